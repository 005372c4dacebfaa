import { unpackRow } from '../records/chunk.ts';
import type { UnpackedRow } from '../records/mutation/rows.ts';
import {
  commentRow,
  eventRow,
  issueRow,
  labelRow,
  milestoneRow,
  pullRow,
  type RowPlace,
  reviewCommentRow,
  reviewRow,
} from '../records/mutation/rows-state.ts';
import { ALL_OF_ISSUE, TOUCHED } from '../records/mutation/rows-touched.ts';
import { packLine, rowLine, versionOf } from '../records/mutation/rows-values.ts';
import type { Corpus, CorpusRepo } from '../store/corpus-types.ts';
import type { MadeRow, MutationRowStore, RowState } from '../store/mutation-rows.ts';
import type { MutationSource, Touched } from '../store/mutation-rows-sources.ts';
import type { MutationKind } from './mutation-tables-config.ts';

export interface StateContext {
  readonly rows: MutationRowStore;
  readonly corpus: Pick<Corpus, 'login'>;
  readonly repo: CorpusRepo;
  readonly source: MutationSource;
}

/** Rows of what was touched that are not as the corpus has it now; reads only. */
export function stateChanges(context: StateContext, touched: Touched): readonly MadeRow[] {
  const { issue } = touched;
  const made = issue === 0 ? repositoryRows(context) : issueRows(context, touched);
  return [...made].flatMap(([kind, rows]) => changesOf(context, { kind, issue, rows }));
}

/**
 * True when a label or milestone that issues may have got another name or went away: rows of issues name them, and no mutation of the
 * issue tells of it.
 */
export function namesChanged({ rows }: StateContext, changed: readonly MadeRow[]): boolean {
  return changed.some((row) => {
    if (row.kind !== 'labels' && row.kind !== 'milestones') return false;
    const before = rows.state(row.kind, row.path);
    const stored = before === undefined ? undefined : rows.get(before.id);
    return stored !== undefined && nameIn(stored) !== nameIn(row);
  });
}

function nameIn(row: MadeRow): string {
  const { name, title, number, deleted } = valuesOf(row);
  return JSON.stringify([name, title, number, deleted]);
}

function valuesOf({ data, bytes }: MadeRow): Readonly<Record<string, unknown>> {
  return JSON.parse(unpackRow(data, bytes).toString()) as Record<string, unknown>;
}

type RowsByKind = ReadonlyMap<MutationKind, readonly UnpackedRow[]>;

function placeOf({ corpus, repo }: StateContext): RowPlace {
  return { owner: repo.owner, repo: repo.name, logins: (id) => corpus.login(id) };
}

function repositoryRows(context: StateContext): RowsByKind {
  const place = placeOf(context);
  return new Map([
    ['labels', context.repo.labels().map((label) => labelRow(place, label))],
    ['milestones', context.repo.milestones().map((milestone) => milestoneRow(place, milestone))],
  ]);
}

function issueRows(context: StateContext, { issue: number, kinds }: Touched): RowsByKind {
  const { repo } = context;
  const place = placeOf(context);
  const issue = repo.issue(number);
  const rows = new Map<MutationKind, readonly UnpackedRow[]>();
  // One that the corpus does not know: what rows it has are of something gone.
  const none = issue === undefined;
  const own = none ? [] : [issueRow(place, issue)];
  rows.set('issues', own);
  rows.set('pulls', none || !(issue.pullRequest || issue.pull !== undefined) ? [] : [pullRow(place, issue)]);
  const touched = none || wasOther(context, own[0]) ? ALL_OF_ISSUE : kinds;
  if (touched & TOUCHED.comments)
    rows.set(
      'comments',
      none
        ? []
        : [
            ...repo.comments(number).map((comment) => commentRow(place, issue, comment)),
            ...repo.reviewComments(number).map((comment) => reviewCommentRow(place, issue, comment)),
          ],
    );
  if (touched & TOUCHED.reviews)
    rows.set('reviews', none ? [] : repo.reviews(number).map((review) => reviewRow(place, issue, review)));
  if (touched & TOUCHED.events)
    rows.set('events', none ? [] : repo.events(number).map((event) => eventRow(place, issue, event)));
  return rows;
}

/** It went away or came back: all that belongs to it did, too. */
function wasOther({ rows }: StateContext, row: UnpackedRow | undefined): boolean {
  if (row === undefined) return false;
  const before = rows.state('issues', row.path);
  return before !== undefined && before.deleted !== row.deleted;
}

interface KindRows {
  readonly kind: MutationKind;
  readonly issue: number;
  readonly rows: readonly UnpackedRow[];
}

function changesOf(context: StateContext, { kind, issue, rows }: KindRows): readonly MadeRow[] {
  const { source } = context;
  const before = new Map(context.rows.ofIssue(source.id, kind, issue).map((row) => [row.path, row]));
  const changed: MadeRow[] = [];
  for (const row of rows) {
    const line = rowLine(row.values);
    const version = versionOf(line);
    const known = before.get(row.path);
    before.delete(row.path);
    if (known?.version !== version) changed.push(madeRow(source, kind, row, line, version));
  }
  const gone = [...before.values()].filter(({ deleted }) => !deleted);
  return [...changed, ...gone.flatMap((row) => deletedRow(context, row))];
}

/** A row as it is stored. */
export function madeRow(
  source: MutationSource,
  kind: MutationKind,
  { path, issue, at, deleted, values }: UnpackedRow,
  line: Uint8Array = rowLine(values),
  version: number = versionOf(line),
): MadeRow {
  return { kind, source: source.id, issue, path, version, at, deleted, pass: source.pass, ...packLine(line) };
}

/** The row once more, now saying that what it tells of is gone. */
export function deletedRow(
  { rows, source }: Pick<StateContext, 'rows' | 'source'>,
  { id }: RowState,
): readonly MadeRow[] {
  const stored = rows.get(id);
  if (stored === undefined) return [];
  const line = rowLine({ ...valuesOf(stored), deleted: true });
  return [{ ...stored, ...packLine(line), version: versionOf(line), deleted: true, pass: source.pass }];
}
