import { describe, expect, it } from 'vitest';
import { compareRows } from './compare.ts';
import { choosePoints, type KillPoint } from './kills.ts';
import { type FaultOptions, parseFaultArgs } from './options.ts';
import { hasFailed, type Outcome, reportRows, reportText } from './report.ts';
import { runFaults } from './run.ts';

const SEED = 20_261_121;
const LIMIT_MS = 600_000;

function optionsFor(only: string, every: number): FaultOptions {
  const options = parseFaultArgs(['--only', only, '--every', String(every), '--seed', String(SEED)], () => 0);
  if (options === undefined) throw new Error('no options');
  return options;
}

/** A few cases of a section; the whole table is `npm run test:faults`. */
async function expectNoFailure(only: string, every: number): Promise<void> {
  const told: string[] = [];
  const { outcomes } = await runFaults(optionsFor(only, every), (text) => void told.push(text));
  expect(outcomes.length, told.join('\n')).toBeGreaterThan(0);
  expect(hasFailed(outcomes), told.join('\n')).toBe(false);
}

describe('a few faults of the whole table (npm run test:faults)', () => {
  it(
    'the harness finds a pipeline that loses rows, one that doubles them, and one that acknowledges too early',
    () => expectNoFailure('the harness itself', 1),
    LIMIT_MS,
  );

  it(
    'killed and run again, file -> DuckDB: nothing lost, nothing doubled',
    () => expectNoFailure('batch file -> DuckDB', 24),
    LIMIT_MS,
  );

  it(
    'killed and run again, a row rewritten in BigQuery: the newer one once',
    () => expectNoFailure('batch rewritten -> BigQuery', 24),
    LIMIT_MS,
  );

  it(
    'a stream from Pub/Sub killed among its appends goes on where it stopped',
    () => expectNoFailure('stream Pub/Sub -> BigQuery, storage-write', 40),
    LIMIT_MS,
  );
});

describe('the parts of the harness', () => {
  const rows = (...paths: readonly string[]) =>
    new Map([['all', paths.map((path) => ({ path, content: path }))]]);

  it('a row that is missing, twice, different or unexpected is counted and named', () => {
    expect(compareRows(rows('a'), rows('a', 'b'))).toMatchObject({ lost: 1, doubled: 0 });
    expect(compareRows(rows('a', 'a', 'a'), rows('a'))).toMatchObject({ lost: 0, doubled: 2 });
    const other = new Map([['all', [{ path: 'a', content: 'old' }]]]);
    expect(compareRows(other, rows('a')).problems).toEqual(['all: a has another content']);
    expect(compareRows(rows('a', 'b'), rows('a')).problems).toEqual(['all: b should not be there']);
    expect(compareRows(rows('a', 'b'), rows('b', 'a')).paths).toEqual([]);
  });

  const point = (number: number, kind: string, when: string): KillPoint => ({
    number,
    kind,
    when,
    ordinal: number,
    detail: '',
  });

  it('a point at which the world is as at the next one is left out, and each kind is met', () => {
    const points = [
      point(1, 'sqlite', 'before'),
      point(2, 'sqlite', 'after'),
      point(3, 'file', 'before'),
      point(4, 'file', 'after'),
    ];
    const numbers = (options: Partial<Parameters<typeof choosePoints>[1]>) =>
      choosePoints(points, { every: 1, seed: 0, at: undefined, ...options }).map(({ number }) => number);
    expect([...numbers({})].sort()).toEqual([1, 3, 4]);
    expect(numbers({}).slice(0, 2)).toContain(1);
    expect(numbers({ at: 2 })).toEqual([2]);
    expect(numbers({ every: 100 })).toEqual([1, 3]);
    expect(numbers({ every: 2, seed: 1 })).toEqual([1, 4]);
  });

  const outcome = (over: Partial<Outcome['verdict']>): Outcome => ({
    section: 's',
    given: { fault: 'f', stage: 's', label: 'l', replay: '' },
    verdict: { injected: 1, lost: 0, doubled: 0, problems: [], paths: [], stderr: '', ...over },
  });

  it.each<[string, Partial<Outcome['verdict']>]>([
    ['a lost row', { lost: 1 }],
    ['a doubled row', { doubled: 1 }],
    ['another problem', { problems: ['it hangs'] }],
    ['a fault that never happened', { injected: 0 }],
  ])('the table fails for %s', (_, over) => {
    expect(hasFailed([outcome(over)])).toBe(true);
    expect(hasFailed([outcome({}), outcome({})])).toBe(false);
  });

  it('the table has a row for each fault and stage', () => {
    const rows = reportRows([outcome({}), outcome({ lost: 2 })]);
    expect(rows).toEqual([{ fault: 'f', stage: 's', injected: 2, lost: 2, doubled: 0, other: 0 }]);
    expect(reportText(rows).split('\n')[1]).toMatch(/^f +s +2 +2 +0 +0$/);
  });

  it('flags that mean nothing are refused', () => {
    expect(() => parseFaultArgs(['--seed', 'x'], () => 1)).toThrow('--seed x');
    expect(() => parseFaultArgs(['--every', '0'], () => 1)).toThrow('--every 0');
    expect(parseFaultArgs(['--help'], () => 1)).toBeUndefined();
    expect(parseFaultArgs([], () => 7)).toMatchObject({ seed: 7, every: 1, soak: 1_500 });
  });
});
