import { createHash } from 'node:crypto';
import { SamovarError } from '../errors.ts';
import type {
  LogCallOptions,
  LogPosition,
  LogRecord,
  LogSegment,
  ReadLogOptions,
} from '../mutation-log/contract.ts';
import { decodeMutation } from '../records/mutation/codec.ts';
import { isForeign, mutationRow } from '../records/mutation/rows.ts';
import { ALL_OF_ISSUE, TOUCHED, touchedBy } from '../records/mutation/rows-touched.ts';
import type { Corpus, CorpusRepo } from '../store/corpus-types.ts';
import type { MadeRow } from '../store/mutation-rows.ts';
import type { MutationSource, SourcePosition, Touched } from '../store/mutation-rows-sources.ts';
import type { Store } from '../store/open.ts';
import {
  deletedRow,
  madeRow,
  namesChanged,
  type StateContext,
  stateChanges,
} from './mutation-tables-state.ts';

const RECORDS_PER_BATCH = 1_000;
const BATCH_BYTES_MAX = 8 * 2 ** 20;
const ISSUES_PER_BATCH = 100;
const LEFTOVERS_PER_BATCH = 500;

/** A log, as a source or as its writer has it. */
export interface LogReader {
  segments(options?: LogCallOptions): readonly LogSegment[] | Promise<readonly LogSegment[]>;
  read(options?: ReadLogOptions): AsyncIterable<LogRecord>;
}

export interface RowsContext {
  readonly store: Store;
  readonly corpus: Corpus;
  readonly signal: AbortSignal;
  /** Told after each batch. */
  readonly onProgress?: (progress: RowsProgress) => void;
}

export interface RowsProgress {
  readonly repository: string;
  readonly records: number;
  /** Things that were touched and have their rows. */
  readonly things: number;
}

export interface RowsMade {
  /** Records of the log that are new since the last time. */
  readonly records: number;
  /** Things (issues; the repository) that they touched. */
  readonly touched: number;
  /** Rows that were made or became others. */
  readonly rows: number;
  /** The log is another one than the last time: it was read from its beginning. */
  readonly restarted: boolean;
  /** The end of the last record that has a row. */
  readonly position: LogPosition | undefined;
}

/**
 * Makes rows of what is new in a repository's log, as far as the corpus has applied it, and of what that touched. A stop at any
 * point loses nothing and makes nothing twice: each batch of rows is stored together with how far the log is read.
 */
export async function makeRows(context: RowsContext, repo: CorpusRepo, log: LogReader): Promise<RowsMade> {
  const { store } = context;
  const { sources } = store.mutationRows;
  const known = store.transaction(() => sources.source(repo.owner, repo.name));
  const compared = await compareLog(context, known, repo, log);
  const restarted = compared === 'other';
  if (restarted) store.transaction(() => sources.restart(known.id));
  const source = restarted ? sources.source(repo.owner, repo.name) : known;
  const read = compared === 'behind' ? NOTHING : await readRecords(context, source, repo, log);
  let rows = read.rows + markLeftovers(context, source);
  const touched = sources.touchedCount(source.id);
  rows += await makeTouched(context, { rows: store.mutationRows, corpus: context.corpus, repo, source });
  const end = sources.position(source.id);
  const position = end === undefined ? undefined : { segment: end.segment, offset: end.endOffset };
  return { records: read.records, touched, rows, restarted, position };
}

const NOTHING = { records: 0, rows: 0 };

const nameOf = ({ owner, name }: CorpusRepo) => `${owner}/${name}`;

const hashOf = ({ payload }: LogRecord) => createHash('sha256').update(payload).digest('hex');

/**
 * Whether the last record that has a row is in the log where it was. `behind`: this copy of the log does not go so far yet, though
 * the corpus does: what is new is in the log's writer, on its way to the bucket.
 */
async function compareLog(
  { store, signal }: RowsContext,
  { id }: MutationSource,
  repo: CorpusRepo,
  log: LogReader,
): Promise<'same' | 'behind' | 'other'> {
  const last = store.mutationRows.sources.position(id);
  if (last === undefined) return 'same';
  const end = { segment: last.segment, offset: last.endOffset };
  const applied = repo.position();
  if (isBefore(endOf(await log.segments({ signal })), end))
    return applied === undefined || isBefore(applied, end) ? 'other' : 'behind';
  try {
    const from = { segment: last.segment, offset: last.startOffset };
    for await (const record of log.read({ from, signal })) {
      const same = record.segment === last.segment && record.end === last.endOffset;
      return same && hashOf(record) === last.sha256 ? 'same' : 'other';
    }
    return 'other';
  } catch (error) {
    // No record begins there: as `conflict`, or as bytes that are no header.
    if (error instanceof SamovarError && (error.code === 'conflict' || error.code === 'malformed'))
      return 'other';
    throw error;
  }
}

/** The beginning, of a log without segments. */
export function endOf(segments: readonly LogSegment[]): LogPosition {
  const last = segments.at(-1);
  return last === undefined ? { segment: 0, offset: 0 } : { segment: last.number, offset: last.size };
}

async function readRecords(
  context: RowsContext,
  source: MutationSource,
  repo: CorpusRepo,
  log: LogReader,
): Promise<{ readonly records: number; readonly rows: number }> {
  const { store, signal } = context;
  const applied = repo.position();
  const last = store.mutationRows.sources.position(source.id);
  if (applied === undefined) return NOTHING;
  const from = last === undefined ? undefined : { segment: last.segment, offset: last.endOffset };
  let batch: LogRecord[] = [];
  let bytes = 0;
  let records = 0;
  let rows = 0;
  const flush = () => {
    records += batch.length;
    rows += storeBatch(context, source, batch);
    context.onProgress?.({ repository: nameOf(repo), records, things: 0 });
    batch = [];
    bytes = 0;
  };
  for await (const record of log.read({ signal, ...(from && { from }) })) {
    if (isBefore(applied, { segment: record.segment, offset: record.end })) break;
    if (signal.aborted) throw new SamovarError('aborted', 'stopped while rows of mutations were made');
    batch.push(record);
    bytes += record.payload.length;
    if (batch.length >= RECORDS_PER_BATCH || bytes >= BATCH_BYTES_MAX) flush();
  }
  flush();
  return { records, rows };
}

function isBefore(a: LogPosition, b: LogPosition): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset);
}

/** Rows of some records, what they touched and how far that is, in one transaction. Gives the rows that are new or others. */
function storeBatch({ store }: RowsContext, source: MutationSource, batch: readonly LogRecord[]): number {
  const { sources } = store.mutationRows;
  const last = batch.at(-1);
  if (last === undefined) return 0;
  const before = sources.position(source.id)?.lastAt ?? 0;
  const made: MadeRow[] = [];
  const touched = new Map<number, number>();
  for (const { segment, offset, payload } of batch) {
    const mutation = decodeMutation(payload);
    const place = { owner: source.owner, repo: source.name, segment, offset };
    made.push(madeRow(source, 'mutations', mutationRow(place, mutation, payload.length)));
    const things = isForeign(place, mutation) ? [] : touchedBy(mutation);
    for (const { issue, kinds } of things) touched.set(issue, (touched.get(issue) ?? 0) | kinds);
  }
  const position: SourcePosition = {
    segment: last.segment,
    startOffset: last.offset,
    endOffset: last.end,
    sha256: hashOf(last),
    lastAt: made.reduce((latest, { at }) => Math.max(latest, at), before),
  };
  return store.transaction(() => {
    sources.touch(source.id, listOf(touched));
    sources.setPosition(source.id, position);
    return putAll(store, made);
  });
}

function listOf(touched: ReadonlyMap<number, number>): readonly Touched[] {
  return [...touched].map(([issue, kinds]) => ({ issue, kinds }));
}

/** Rows that are the same already only count for this pass. */
function putAll({ mutationRows }: Store, rows: readonly MadeRow[]): number {
  return rows.filter((row) => {
    if (mutationRows.put(row)) return true;
    const same = mutationRows.state(row.kind, row.path);
    if (same !== undefined) mutationRows.confirm(same.id, row.pass);
    return false;
  }).length;
}

/** After a log was replaced: records that the new one does not have, and issues that only the old one had. */
function markLeftovers({ store }: RowsContext, source: MutationSource): number {
  const { mutationRows } = store;
  if (source.swept === source.pass) return 0;
  let rows = 0;
  while (true) {
    const page = mutationRows.leftovers(source.id, 'mutations', source.pass, LEFTOVERS_PER_BATCH);
    if (page.length === 0) break;
    const gone = page.flatMap((row) => deletedRow({ rows: mutationRows, source }, row));
    rows += store.transaction(() => putAll(store, gone));
  }
  store.transaction(() => {
    const issues = mutationRows.issues(source.id, 'issues').map((issue) => ({ issue, kinds: ALL_OF_ISSUE }));
    mutationRows.sources.touch(source.id, [...issues, { issue: 0, kinds: TOUCHED.repository }]);
    mutationRows.sources.setSwept(source.id, source.pass);
  });
  return rows;
}

function allIssues({ mutationRows }: Store, { id }: MutationSource): readonly Touched[] {
  const issues = mutationRows.issues(id, 'issues');
  return issues.map((issue) => ({ issue, kinds: TOUCHED.issue }));
}

async function makeTouched(context: RowsContext, state: StateContext): Promise<number> {
  const { store, signal } = context;
  const { sources } = store.mutationRows;
  let rows = 0;
  let things = 0;
  while (true) {
    // SQLite is not waited for: without this nothing else, a signal for one, would be heard of.
    await new Promise(setImmediate);
    const page = sources.touched(state.source.id, ISSUES_PER_BATCH);
    if (page.length === 0) return rows;
    if (signal.aborted) throw new SamovarError('aborted', 'stopped while rows of issues were made');
    const changes = page.flatMap((touched) => stateChanges(state, touched));
    const renamed = namesChanged(state, changes);
    rows += store.transaction(() => {
      sources.untouch(
        state.source.id,
        page.map(({ issue }) => issue),
      );
      if (renamed) sources.touch(state.source.id, allIssues(store, state.source));
      return putAll(store, changes);
    });
    things += page.length;
    context.onProgress?.({ repository: nameOf(state.repo), records: 0, things });
  }
}
