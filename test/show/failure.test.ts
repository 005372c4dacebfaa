import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, SamovarError } from '../../pipeline/errors.ts';
import { paintOf } from '../../pipeline/show/colour.ts';
import { failureOf, failureText } from '../../pipeline/show/failure.ts';

const DOCUMENT = readFileSync(resolve(import.meta.dirname, '../../docs/errors.md'), 'utf8');
const CODES = [...DOCUMENT.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code as ErrorCode);
const textOf = (error: unknown) => failureText(failureOf(error, ['make-db']), paintOf(false));

describe('a failure', () => {
  it('is told of in three parts: what, why, what now', () => {
    const error = new SamovarError('denied', 'gs://b: may not be listed', {
      remedy: 'Give the account roles/storage.objectViewer.',
      cause: new Error('403'),
    });
    expect(textOf(error)).toBe(
      [
        'samovar make-db: failed',
        'why   gs://b: may not be listed: 403',
        'now   Give the account roles/storage.objectViewer.',
      ].join('\n'),
    );
  });

  it.each(CODES)('%s: says what to do when the error itself does not', (code) => {
    const { what, why, now } = failureOf(new SamovarError(code, 'it went wrong'), ['update']);
    expect(what).toMatch(/^samovar update: \w+/);
    expect(why).toBe('it went wrong');
    expect(now.length).toBeGreaterThan(20);
  });

  it('of the disk is no bug, of anything else it is one, with its place', () => {
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write' });
    expect(textOf(full)).toContain('now   Free disk space');
    expect(textOf(full)).not.toContain('    at ');
    const bug = textOf(new TypeError('x is not a function'));
    expect(bug).toMatch(/^why {3}x is not a function\n.*\n\s+at /m);
    expect(bug).toMatch(/now {3}This is a bug in Samovar/);
  });

  it('for many reasons gives each a line of its own, where an editor finds the place', () => {
    const error = new SamovarError('config', 'a.yaml:1:2: no\nb.yaml:3:4: nor this', {
      remedy: 'Mend both.',
    });
    expect(textOf(error)).toMatch(/\nwhy {3}.+\na\.yaml:1:2: no\nb\.yaml:3:4: nor this\nnow {3}Mend both\.$/);
  });

  it('shows what came from outside harmlessly', () => {
    expect(textOf(new SamovarError('missing', 'no job \u001b[31mred'))).not.toContain('\u001b');
  });
});

describe('docs/errors.md', () => {
  it('explains each code there is', () => {
    const source = readFileSync(resolve(import.meta.dirname, '../../pipeline/errors.ts'), 'utf8');
    const [, union = ''] = /export type ErrorCode =(.*?);/s.exec(source) ?? [];
    expect([...union.matchAll(/\| '([a-z-]+)'/g)].map(([, code]) => code).sort()).toEqual([...CODES].sort());
  });
});
