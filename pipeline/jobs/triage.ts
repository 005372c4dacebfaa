import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { TriageFailure, TriageStore } from '../store/triage.ts';
import { assignClusters } from '../triage/cluster.ts';
import { cutRaw, normalizeText } from '../triage/normalize.ts';
import { type ReadBuild, type RowReading, rowPages } from './triage-rows.ts';
import { type WarehouseSource, warehousePages } from './triage-warehouse.ts';

const DAY_S = 86_400;
/** Failures are kept so long, at least: a later run may look further back than this one. */
const BUILDS_KEPT_DAYS = 90;
/** A cluster that comes back within this time has its id again. */
const CLUSTERS_KEPT_DAYS = 365;
/** Texts whose normalised form is remembered: many failures say the same to the letter. */
const REMEMBERED_TEXTS = 20_000;

export interface TriageOptions {
  readonly store: TriageStore;
  /** Stored rows, or a table of the warehouse. */
  readonly source: RowReading | Omit<WarehouseSource, 'signal'>;
  readonly days: number;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  readonly onRead?: (builds: number, failures: number) => void;
}

/** What one run did. */
export interface TriageRun {
  readonly buildsRead: number;
  readonly failuresRead: number;
  readonly newTexts: number;
  readonly newClusters: number;
}

/**
 * Reads the rows that are new since the last run and gives their texts clusters. Stopped at any point it goes on from there: each
 * page of builds is a transaction, and so is the clustering.
 */
export async function runTriage(options: TriageOptions): Promise<TriageRun> {
  const { store, days, nowMs } = options;
  const nowS = Math.floor(nowMs() / 1000);
  const read = await readNew(options, nowS - days * DAY_S, nowS);
  if (options.signal.aborted) return { ...read, newTexts: 0, newClusters: 0 };
  return store.transaction(() => {
    store.prune(nowS - Math.max(days, BUILDS_KEPT_DAYS) * DAY_S, nowS - CLUSTERS_KEPT_DAYS * DAY_S);
    const earlier = store.clusters();
    const texts = store.unclustered();
    const clusters = new Set(earlier.map(({ id }) => id));
    for (const { text, cluster } of assignClusters(texts, earlier)) {
      store.assign(sha1Of(text), cluster);
      clusters.add(cluster.id);
    }
    store.refreshSeen();
    return { ...read, newTexts: texts.length, newClusters: clusters.size - earlier.length };
  });
}

async function readNew(options: TriageOptions, sinceS: number, untilS: number) {
  const { store, source, signal, onRead } = options;
  const textIds = createTextIds(store);
  const counts = { buildsRead: 0, failuresRead: 0 };
  const take = (build: ReadBuild) => {
    store.record(build, counted(build.failures, textIds));
    counts.buildsRead += 1;
    counts.failuresRead += build.failures.length;
  };
  const pages =
    'rows' in source
      ? rowPages(store, source, sinceS)
      : warehousePages({ ...source, signal }, store, sinceS, untilS);
  for await (const page of pages) {
    if (signal.aborted) break;
    store.transaction(() => page.forEach(take));
    onRead?.(counts.buildsRead, counts.failuresRead);
    // For signals and the line of progress.
    await setImmediate();
  }
  return counts;
}

function* counted(
  failures: ReadBuild['failures'],
  textIds: (raw: string) => number,
): Generator<TriageFailure> {
  for (const { test, text } of failures) yield { test, text: textIds(text), count: 1 };
}

/** The number of a raw text's normalised form. */
function createTextIds(store: TriageStore): (raw: string) => number {
  const known = new Map<string, number>();
  return (raw) => {
    const cut = cutRaw(raw);
    const key = sha1Of(cut).toString('base64');
    const before = known.get(key);
    if (before !== undefined) return before;
    const text = normalizeText(cut);
    const id = store.textId(sha1Of(text), text);
    if (known.size >= REMEMBERED_TEXTS) known.clear();
    known.set(key, id);
    return id;
  };
}

/** Where triage keeps what it has read, beside the database; what is kept of one table is nothing to another. */
export function triageFile(
  db: string,
  table?: { readonly warehouse: string; readonly table: string },
): string {
  if (table === undefined) return `${db}.triage`;
  return `${db}.triage-${sha1Of(`${table.warehouse}\n${table.table}`).toString('hex').slice(0, 8)}`;
}

function sha1Of(text: string): Buffer {
  return createHash('sha1').update(text).digest();
}
