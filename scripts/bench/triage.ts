import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTriage } from '../../pipeline/jobs/triage.ts';
import { openStore, type Store } from '../../pipeline/store/open.ts';
import { openTriageStore, type TriageStore } from '../../pipeline/store/triage.ts';
import type { BenchOptions } from './options.ts';
import { aligned, machine } from './report.ts';
import { short } from './statistics.ts';
import { knownBuilds } from './triage-corpus.ts';
import { fillStore } from './triage-fill.ts';

const SIZES: readonly number[] = [10_000, 30_000, 100_000];
const FAILURES_PER_REASON = 100;
const DAYS = 14;
/** Of the second run: part of the first one's failures. */
const NEW_SHARE = 0.02;

export interface TriageBenchRun {
  readonly failures: number;
  readonly reasons: number;
  readonly texts: number;
  readonly clusters: number;
  readonly wallS: number;
  readonly cpuS: number;
  /** Of the process so far: the corpus is made in it too. */
  readonly rssBytes: number;
  readonly stateBytes: number;
  /** Of pairs in one cluster: those of one reason. */
  readonly precision: number;
  /** Of pairs of one reason: those in one cluster. */
  readonly recall: number;
  /** A run over two parts in a hundred more, and one over nothing. */
  readonly moreS: number;
  readonly nothingS: number;
}

export interface TriageBench {
  readonly bench: 'triage';
  readonly machine: ReturnType<typeof machine>;
  readonly runs: readonly TriageBenchRun[];
}

/** Clusters of failures whose reasons are known: how long, and how right. */
export async function benchTriage({ seed, sizes, log }: BenchOptions): Promise<TriageBench> {
  const runs: TriageBenchRun[] = [];
  for (const failures of sizes ?? SIZES) {
    const folder = mkdtempSync(join(tmpdir(), 'samovar-bench-'));
    try {
      runs.push(await benchSize(folder, failures, seed));
      log(`triage of ${failures} failures: ${short(runs.at(-1)?.wallS)} s`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { bench: 'triage', machine: machine(), runs };
}

async function benchSize(folder: string, failures: number, seed: number): Promise<TriageBenchRun> {
  const nowMs = Date.parse('2026-11-29T00:00:00Z');
  const store = openStore(join(folder, 'builds.db'), { nowMs: () => nowMs });
  const triage = openTriageStore(join(folder, 'triage.db'), store.file);
  try {
    const reasons = Math.ceil(failures / FAILURES_PER_REASON);
    const endS = nowMs / 1000;
    const next = await fillStore(store, knownBuilds({ failures, reasons, seed, endS }));
    const first = await timed(store, triage, nowMs);
    const rightness = rightnessOf(triage, endS);
    const { clusters } = triage.totals({ sinceS: 0, untilS: endS });
    const more = { failures: Math.ceil(failures * NEW_SHARE), reasons, seed, endS };
    await fillStore(store, knownBuilds(more), next);
    const second = await timed(store, triage, nowMs);
    const third = await timed(store, triage, nowMs);
    const { newTexts: texts, wallS, cpuS } = first;
    return {
      ...{ failures, reasons, texts, clusters, wallS, cpuS, ...rightness },
      rssBytes: process.resourceUsage().maxRSS * 1024,
      stateBytes: statSync(triage.file).size,
      moreS: second.wallS,
      nothingS: third.wallS,
    };
  } finally {
    triage.close();
    store.close();
  }
}

function onDamaged(path: string, error: unknown): void {
  throw new Error(`${path} cannot be read`, { cause: error });
}

async function timed(store: Store, triage: TriageStore, nowMs: number) {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const run = await runTriage({
    ...{ store: triage, source: { rows: store.rows, onDamaged }, days: DAYS, nowMs: () => nowMs },
    signal: new AbortController().signal,
  });
  const { user, system } = process.cpuUsage(cpu);
  return { ...run, wallS: (performance.now() - started) / 1000, cpuS: (user + system) / 1e6 };
}

/** Pairs of failures in one cluster, of one reason, and of both; a job's name is its reason's. */
function rightnessOf(triage: TriageStore, untilS: number) {
  const window = { sinceS: 0, untilS };
  const pairs = (count: number) => (count * (count - 1)) / 2;
  const reasons = new Map<string, number>();
  let [together, both] = [0, 0];
  for (const { id, failures } of triage.counts(window, Number.MAX_SAFE_INTEGER)) {
    together += pairs(failures);
    for (const { name, failures: count } of triage.jobsOf(id, window)) {
      both += pairs(count);
      reasons.set(name, (reasons.get(name) ?? 0) + count);
    }
  }
  const ofReasons = [...reasons.values()].reduce((sum, count) => sum + pairs(count), 0);
  return { precision: both / together, recall: both / ofReasons };
}

export function triageText({ machine: { cores, cpu, node }, runs }: TriageBench): string {
  const titles = [
    ...['failures', 'reasons', 'texts', 'clusters', 'wall s', 'CPU s', 'CPU ms/failure'],
    ...['peak RSS MB', 'state MB', 'precision', 'recall', '2 % more s', 'nothing new s'],
  ];
  const rows = runs.map((run) => [
    ...[run.failures, run.reasons, run.texts, run.clusters, run.wallS, run.cpuS],
    ...[(1000 * run.cpuS) / run.failures, run.rssBytes / 1e6, run.stateBytes / 1e6],
    ...[run.precision, run.recall, run.moreS, run.nothingS],
  ]);
  const lines = aligned([titles, ...rows.map((row) => row.map((value) => short(value)))]);
  return ['triage', `${cores} × ${cpu}, Node ${node}`, '', ...lines].join('\n');
}
