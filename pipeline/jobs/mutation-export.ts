import { readFile } from 'node:fs/promises';
import { shippedFile } from '../config/shipped.ts';
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
import { loadableValue, type RowValues } from '../records/mutation/rows-values.ts';
import type { Corpus, CorpusRepo } from '../store/corpus-types.ts';

/** What can be exported: what the tables of these names have. */
export const EXPORT_KINDS = [
  'issues',
  'pulls',
  'comments',
  'reviews',
  'events',
  'labels',
  'milestones',
] as const;
export type ExportKind = (typeof EXPORT_KINDS)[number];
export type ExportFormat = 'ndjson' | 'csv';

export interface ExportRequest {
  readonly repos: readonly CorpusRepo[];
  readonly kind: ExportKind;
  readonly format: ExportFormat;
  /** What is gone, too: it has `deleted`. */
  readonly deleted: boolean;
  readonly signal?: AbortSignal;
  /** Told after each page. */
  readonly onProgress?: (progress: { readonly repository: string; readonly rows: number }) => void;
}

/** Columns that are times, in seconds: people and other programs read them as text. */
const TIMES: ReadonlySet<string> = new Set(['created', 'updated', 'closed_at', 'merged_at']);
const ISSUES_PER_PAGE = 200;

/**
 * Text of what is known of repositories, a page of issues at a time. The columns are those of the tables in schemas/github. NDJSON
 * leaves out what is not known; CSV (RFC 4180) has a line of titles, and lists as JSON.
 */
export async function* exportText(
  corpus: Pick<Corpus, 'login'>,
  request: ExportRequest,
): AsyncGenerator<string> {
  const columns = await columnsOf(request.kind);
  if (request.format === 'csv') yield `${columns.map(csvCell).join(',')}\r\n`;
  const line = request.format === 'csv' ? (values: RowValues) => csvLine(columns, values) : jsonLine;
  let rows = 0;
  for (const repo of request.repos) {
    for (const page of pagesOf(corpus, repo, request.kind)) {
      request.signal?.throwIfAborted();
      const wanted = page.filter(({ deleted }) => request.deleted || !deleted);
      rows += wanted.length;
      if (wanted.length > 0) yield wanted.map(({ values }) => line(withTimes(values))).join('');
      request.onProgress?.({ repository: `${repo.owner}/${repo.name}`, rows });
    }
  }
}

async function columnsOf(kind: ExportKind): Promise<readonly string[]> {
  const text = await readFile(shippedFile(`schemas/github/${kind}.json`), 'utf8');
  return (JSON.parse(text) as readonly { readonly name: string }[]).map(({ name }) => name);
}

function* pagesOf(
  corpus: Pick<Corpus, 'login'>,
  repo: CorpusRepo,
  kind: ExportKind,
): Generator<readonly UnpackedRow[]> {
  const place: RowPlace = { owner: repo.owner, repo: repo.name, logins: (id) => corpus.login(id) };
  if (kind === 'labels') yield repo.labels().map((label) => labelRow(place, label));
  else if (kind === 'milestones') yield repo.milestones().map((milestone) => milestoneRow(place, milestone));
  else
    for (let after = 0; ; ) {
      const issues = repo.issues({ after, limit: ISSUES_PER_PAGE });
      const last = issues.at(-1);
      if (last === undefined) return;
      yield issues.flatMap((issue) => issueRows(place, repo, kind, issue));
      after = last.number;
    }
}

type Issue = ReturnType<CorpusRepo['issues']>[number];

function issueRows(
  place: RowPlace,
  repo: CorpusRepo,
  kind: Exclude<ExportKind, 'labels' | 'milestones'>,
  issue: Issue,
): readonly UnpackedRow[] {
  const { number } = issue;
  switch (kind) {
    case 'issues':
      return [issueRow(place, issue)];
    case 'pulls':
      return issue.pullRequest || issue.pull !== undefined ? [pullRow(place, issue)] : [];
    case 'comments':
      return [
        ...repo.comments(number).map((comment) => commentRow(place, issue, comment)),
        ...repo.reviewComments(number).map((comment) => reviewCommentRow(place, issue, comment)),
      ];
    case 'reviews':
      return repo.reviews(number).map((review) => reviewRow(place, issue, review));
    case 'events':
      return repo.events(number).map((event) => eventRow(place, issue, event));
  }
}

function withTimes(values: RowValues): RowValues {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      TIMES.has(name) && typeof value === 'number' ? timeText(value) : value,
    ]),
  );
}

function timeText(seconds: number): string {
  const text = new Date(Math.round(seconds * 1000)).toISOString();
  return text.replace('.000Z', 'Z');
}

function jsonLine(values: RowValues): string {
  return `${JSON.stringify(values, loadableValue)}\n`;
}

function csvLine(columns: readonly string[], values: RowValues): string {
  return `${columns.map((name) => csvCell(values[name])).join(',')}\r\n`;
}

function csvCell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value, loadableValue) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
