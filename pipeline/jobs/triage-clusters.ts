import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TriageStore } from '../store/triage.ts';
import type { ClusterCount, TriageReads, TriageWindow } from '../store/triage-reads.ts';
import { matchesGlob, type OwnerRule, ownerOf } from '../triage/owners.ts';
import type { FailureCluster, TriageResult } from '../triage/types.ts';

const DAY_S = 86_400;
const NAMES_MAX = 100;
const EXAMPLES_MAX = 10;

export interface ClusterQuery {
  readonly days: number;
  readonly nowMs: number;
  /** A glob: `*` stands for anything. */
  readonly job?: string | undefined;
  readonly limit: number;
  readonly owners?: readonly OwnerRule[];
}

/** The clusters of a window with their history, from what the last `samovar triage` kept. Reads only. */
export function readClusters(store: TriageStore, query: ClusterQuery): TriageResult {
  const untilS = Math.floor(query.nowMs / 1000);
  const { job } = query;
  const window: TriageWindow = {
    sinceS: untilS - query.days * DAY_S,
    untilS,
    ...(job !== undefined && { jobs: store.jobs().filter((name) => matchesGlob(name, job)) }),
  };
  const { builds, failures, clusters } = store.totals(window);
  return {
    format: 1,
    generated: untilS,
    since: window.sinceS,
    ...(job !== undefined && { job }),
    builds,
    failures,
    clustersTotal: clusters,
    clusters: store
      .counts(window, query.limit)
      .map((count) => clusterOf(store, count, window, query.owners ?? [])),
  };
}

function clusterOf(
  reads: TriageReads,
  count: ClusterCount,
  window: TriageWindow,
  rules: readonly OwnerRule[],
): FailureCluster {
  const { id, text } = count;
  const owner = ownerOf(withText(reads.places(id, window), text), rules);
  const jobs = reads.jobsOf(id, window);
  const tests = reads.testsOf(id, window);
  return {
    id,
    text,
    ...(owner !== undefined && { owner }),
    builds: count.builds,
    failures: count.failures,
    firstSeen: count.firstSeen,
    lastSeen: count.lastSeen,
    perDay: reads.days(id, window).map(({ day, ...rest }) => ({ day: dayText(day), ...rest })),
    jobsTotal: jobs.length,
    jobs: jobs.slice(0, NAMES_MAX),
    testsTotal: tests.length,
    tests: tests.slice(0, NAMES_MAX),
    examples: reads.samples(id, window, EXAMPLES_MAX),
  };
}

function* withText<T extends object>(places: Iterable<T>, text: string): Generator<T & { text: string }> {
  for (const place of places) yield { ...place, text };
}

function dayText(day: number): string {
  return new Date(day * DAY_S * 1000).toISOString().slice(0, 10);
}

/** Writes `clusters.json` into a folder: whole, or not at all. Gives its path. */
export async function writeClusters(folder: string, result: TriageResult): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'clusters.json');
  const partial = `${file}.partial`;
  await writeFile(partial, `${JSON.stringify(result)}\n`);
  await rename(partial, file);
  return file;
}
