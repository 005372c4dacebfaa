import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { merge } from './reporter.ts';

/** Real files, run by a real vitest in a folder of their own. */
let folder = '';
beforeAll(() => {
  // Inside the project, so that vitest itself is found.
  mkdirSync('.cache', { recursive: true });
  folder = mkdtempSync(join('.cache', 'reporter-'));
  const reporter = JSON.stringify(join(process.cwd(), 'test/support/reporter.ts'));
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `import { reporter } from ${reporter};\nexport default { test: { include: ['**/*.test.ts'], reporters: [reporter] } };\n`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(
  body: string,
  options: { readonly ci?: boolean; readonly again?: boolean; readonly args?: readonly string[] } = {},
) {
  const results = join(folder, 'results');
  if (!options.again) rmSync(results, { force: true });
  writeFileSync(join(folder, 'some.test.ts'), `import { describe, expect, test } from 'vitest';\n${body}\n`);
  const { status } = spawnSync('npx', ['vitest', 'run', '--root', folder, ...(options.args ?? [])], {
    env: { ...process.env, CI: options.ci ? 'true' : '', SAMOVAR_TEST_RESULTS: join(process.cwd(), results) },
    stdio: 'ignore',
  });
  return { status, lines: readFileSync(`${results}.summary`, 'utf8').trimEnd().split('\n') };
}

describe('the last line counts, and the exit code agrees', () => {
  test('all passed', () => {
    expect(run(`test('a', () => {}); test('b', () => {});`)).toEqual({
      status: 0,
      lines: ['2 passed, 0 failed, 0 skipped'],
    });
  });

  test('a failed test is named again, with the first line of why', () => {
    expect(
      run(`test('a', () => {}); describe('s', () => { test('b', () => expect(1, 'one').toBe(2)); });`),
    ).toEqual({
      status: 1,
      lines: [
        'failed: some.test.ts > s > b: one: expected 1 to be 2 // Object.is equality',
        '1 passed, 1 failed, 0 skipped',
      ],
    });
  });

  test('an error outside every test counts as failed', () => {
    const { status, lines } = run(`test('a', () => { setTimeout(() => { throw new Error('late'); }); });`);
    expect(status).toBe(1);
    expect(lines).toEqual(['failed: outside every test: late', '1 passed, 1 failed, 0 skipped']);
  });

  test('a file that cannot be read at all counts as failed', () => {
    expect(run(`throw new Error('broken');`)).toEqual({
      status: 1,
      lines: ['failed: some.test.ts: broken', '0 passed, 1 failed, 0 skipped'],
    });
  });

  test('tests left out by a filter of names are no skips', () => {
    const body = `test('one', () => {}); test('two', () => {}); describe('x', () => { test('two', () => {}); });`;
    expect(run(body, { args: ['-t', 'x two'] })).toEqual({
      status: 0,
      lines: ['1 passed, 0 failed, 0 skipped'],
    });
  });
});

describe('a second run of what failed', () => {
  const two = (second: string) => `test('a', () => {}); test('b', () => expect(1).toBe(${second}));`;
  test('counts in place of the first, and says what was unsteady', () => {
    expect(run(two('2')).lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
    expect(run(two('1'), { again: true })).toEqual({
      status: 0,
      lines: [
        'unsteady (passed when run again, alone): some.test.ts > b: expected 1 to be 2 // Object.is equality',
        '2 passed, 0 failed, 0 skipped',
      ],
    });
  });

  test('that fails again has failed', () => {
    run(two('2'));
    const { status, lines } = run(two('3'), { again: true });
    expect(status).toBe(1);
    expect(lines).toEqual([
      'failed: some.test.ts > b: expected 1 to be 3 // Object.is equality',
      '1 passed, 1 failed, 0 skipped',
    ]);
  });

  test('keeps what the first run said of other files, and of no file', () => {
    const skip = { name: 'c.test.ts > c', reason: 'needs mars' };
    const late = { name: 'outside every test', why: 'late' };
    const slow = (name: string) => ({ name: `a.test.ts > ${name}`, why: 'slow: 3 s' });
    const first = {
      '': { passed: 0, failures: [late], skips: [] },
      'a.test.ts': { passed: 5, failures: [slow('a: one'), slow('a: two')], skips: [] },
      'c.test.ts': { passed: 2, failures: [], skips: [skip] },
    };
    const second = { 'a.test.ts': { passed: 6, failures: [slow('a: two')], skips: [] } };
    expect(merge(first, second)).toEqual({
      passed: 8,
      failures: [late, slow('a: two')],
      unsteady: [slow('a: one')],
      skips: [skip],
    });
  });
});

describe('skips', () => {
  const moon = `test('a', (context) => context.skip('needs the moon')); describe.skip('s (needs mars)', () => { test('b', () => {}); });`;
  test('are listed with their reasons, and are no failure', () => {
    expect(run(moon, { ci: true })).toEqual({
      status: 0,
      lines: [
        'skipped: some.test.ts > a: needs the moon',
        'skipped: some.test.ts > s (needs mars) > b: needs mars',
        '0 passed, 0 failed, 2 skipped',
      ],
    });
  });

  test('without a reason are failures', () => {
    const { status, lines } = run(`test.skip('a', () => {});`);
    expect(status).toBe(1);
    expect(lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
  });

  test('for want of what this machine has are failures in CI only', () => {
    const body = `test('a', (context) => context.skip('needs git'));`;
    expect(run(body)).toMatchObject({ status: 0 });
    const { status, lines } = run(body, { ci: true });
    expect(status).toBe(1);
    expect(lines).toEqual([
      'skipped: some.test.ts > a: needs git (FAILURE: this machine has git, and CI=true)',
      '0 passed, 1 failed, 0 skipped',
    ]);
  });
});
