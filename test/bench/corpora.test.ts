import { describe, expect, it } from 'vitest';
import { openCorpus, revealed } from '../../scripts/bench/corpus/source.ts';
import { atLeast, atMost, goalRows, timesFaster } from '../../scripts/bench/goals.ts';
import { parseBenchArgs } from '../../scripts/bench/options.ts';
import { benchResult, mediansOf, reportText } from '../../scripts/bench/report.ts';
import { startServer } from '../../scripts/bench/server-process.ts';

const anchorMs = Date.UTC(2026, 10, 20);

describe('a plain corpus', () => {
  const spec = { kind: 'plain', jobs: 3, perJob: 20, hidden: 2, anchorMs } as const;
  const hiding = openCorpus(spec);
  const whole = openCorpus(revealed(spec));

  it('has so many builds in each job, with both documents and nothing else', () => {
    expect(whole.names.filter((name) => name.endsWith('/started.json'))).toHaveLength(60);
    expect(whole.names.filter((name) => name.endsWith('/finished.json'))).toHaveLength(60);
    expect(whole.names).toHaveLength(123);
    expect(whole.names).toEqual([...whole.names].sort());
    const started = whole.names.find((name) => name.endsWith('/started.json')) ?? '';
    expect(JSON.parse(String(whole.read(started)))).toHaveProperty('timestamp');
    expect(whole.read('logs/none/1/started.json')).toBeUndefined();
  });

  it('hides the newest builds of each job, and changes no other', () => {
    expect(hiding.names.filter((name) => name.endsWith('/started.json'))).toHaveLength(54);
    for (const name of hiding.names) {
      expect(whole.names).toContain(name);
      if (!name.endsWith('latest-build.txt')) expect(hiding.read(name)).toEqual(whole.read(name));
    }
  });
});

describe('a wide corpus', () => {
  const count = (text: string, what: string) => text.split(what).length - 1;
  const junitOf = (cases: number, xmlBytes: number) => {
    const corpus = openCorpus({ kind: 'wide', cases, xmlBytes, artifacts: 7, anchorMs });
    return String(corpus.read(corpus.names.find((name) => name.endsWith('.xml')) ?? ''));
  };

  it('has one build with so many cases, bytes and artifacts', () => {
    expect(count(junitOf(250, 0), '<testcase ')).toBe(250);
    expect(count(junitOf(250, 0), '<failure ')).toBe(3);
    const large = junitOf(100, 1e6);
    expect(large.length).toBeGreaterThan(0.9e6);
    expect(large.length).toBeLessThan(1.1e6);
    const { names } = openCorpus({ kind: 'wide', cases: 1, xmlBytes: 0, artifacts: 7, anchorMs });
    expect(names.filter((name) => name.endsWith('.txt') && name.includes('/artifacts/'))).toHaveLength(7);
  });
});

describe('a bench server', () => {
  it('shows what its corpus hid once it is told to', async () => {
    const server = await startServer({ corpus: { kind: 'plain', jobs: 1, perJob: 5, hidden: 2, anchorMs } });
    try {
      const list = async () => {
        const answer = await fetch(`${server.endpoint}/storage/v1/b/kubernetes-ci-logs/o?prefix=logs/`);
        return ((await answer.json()) as { items: readonly unknown[] }).items.length;
      };
      expect(await list()).toBe(7);
      expect((await server.totals()).builds).toBe(3);
      await server.reveal();
      expect(await list()).toBe(11);
      expect((await server.totals()).builds).toBe(5);
      expect(await server.inFlightMax()).toBe(1);
    } finally {
      await server.stop();
    }
  });
});

describe('goals', () => {
  const run = (side: string, wallS: number) => ({ work: 'make-db', side, wallS });

  it('are met, missed or not measured', () => {
    const goals = [
      atLeast('a', 4, 4),
      atLeast('a', 4, 3.9),
      atMost('b', 400, 401, ' MB'),
      atMost('b', 1, undefined),
    ];
    expect(goalRows(goals).map((row) => row.slice(1))).toEqual([
      ['wanted', 'measured', 'met'],
      ['≥ 4×', '4×', 'yes'],
      ['≥ 4×', '3.9×', 'NO'],
      ['≤ 400 MB', '401 MB', 'NO'],
      ['≤ 1×', 'not measured', '-'],
    ]);
  });

  it('are of medians, and of runs that ended well', () => {
    const runs = [run('samovar', 1), run('samovar', 2), run('samovar', 9), run('kettle', 8)];
    expect(timesFaster(runs, 'make-db', 'kettle')).toBe(4);
    expect(timesFaster([...runs, { ...run('kettle', 100), failed: 'exit 1' }], 'make-db', 'kettle')).toBe(4);
    expect(timesFaster(runs, 'make-db', 'kettle pypy')).toBeUndefined();
    expect(mediansOf(runs)).toEqual([
      { work: 'make-db', side: 'samovar', runs: 3, figures: { 'wall s': 2 } },
      { work: 'make-db', side: 'kettle', runs: 1, figures: { 'wall s': 8 }, timesFaster: 4 },
    ]);
    const text = reportText(
      benchResult('builds', {}, { runs, notes: ['a note'], goals: [atLeast('a', 4, 4)] }),
    );
    for (const part of ['make-db', 'kettle', '4×', 'a note', 'yes']) expect(text).toContain(part);
  });
});

describe('the flags of a bench', () => {
  it('are lists of numbers where there are several sizes, and refused where they are nonsense', () => {
    const { options } = parseBenchArgs(['memory', '--sizes', '10,20', '--scale', '0.5'], anchorMs);
    expect(options).toMatchObject({ sizes: [10, 20], scale: 0.5, perJob: undefined });
    for (const bad of [
      ['--sizes', '10,x'],
      ['--scale', '0'],
      ['--scale', '2'],
      ['--events', '-1'],
      ['--none'],
    ])
      expect(() => parseBenchArgs(['memory', ...bad], anchorMs)).toThrow(bad[0]);
  });
});
