import { afterEach, describe, expect, it } from 'vitest';
import { decideColours, paint, wantsColours } from '../../pipeline/show/colour.ts';
import { textTable } from '../../pipeline/show/table.ts';

const TERMINAL = { isTTY: true };
const PIPE = {};

describe('colours', () => {
  it.each([
    ['a terminal', TERMINAL, {}, true],
    ['a pipe', PIPE, {}, false],
    ['a dumb terminal', TERMINAL, { TERM: 'dumb' }, false],
    ['NO_COLOR on a terminal', TERMINAL, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR, which says nothing', TERMINAL, { NO_COLOR: '' }, true],
    ['FORCE_COLOR on a pipe', PIPE, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR=0 on a terminal', TERMINAL, { FORCE_COLOR: '0' }, false],
    ['NO_COLOR beside FORCE_COLOR', TERMINAL, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ])('%s', (_, stream, env, expected) => {
    expect(wantsColours(stream, env)).toBe(expected);
  });

  afterEach(() => decideColours({}, { stdout: PIPE, stderr: PIPE }));

  it('are decided once for each stream, and none where nobody has decided', () => {
    const table = () => textTable([{ title: 'job' }], [['ci-a']]);
    expect(table()).not.toContain('\u001b');
    expect(paint('stderr').red('no')).toBe('no');
    decideColours({}, { stdout: TERMINAL, stderr: PIPE });
    expect(table()).toContain('\u001b[1mjob\u001b[22m');
    expect(paint('stderr').red('no')).toBe('no');
  });

  it('change no width: a painted table has the columns of a plain one', () => {
    const rows = [
      ['ci-a', 'passed'],
      ['ci-longer', 'failed'],
    ];
    const columns = [{ title: 'job' }, { title: 'result' }];
    const plain = textTable(columns, rows);
    decideColours({ FORCE_COLOR: '1' }, { stdout: PIPE, stderr: PIPE });
    expect(textTable(columns, rows).replace(/\u001b\[\d+m/g, '')).toBe(plain);
  });
});
