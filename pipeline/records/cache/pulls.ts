import { fieldsOf, linkOf, listOf, ordered, personOf, type Sifted, sift, textOf, wholeOf } from './fields.ts';
import { labelOf } from './releases.ts';
import { msOf, timeOf } from './times.ts';

export type PullRequest = {
  readonly title: string;
  readonly url: string;
  readonly author: string;
  readonly release: string;
  readonly date_created: string | null;
  readonly last_updated: string | null;
  readonly comments: number;
  /** Of each CI what it said last; null: nothing yet. */
  readonly ci_status: Readonly<Record<string, string | null>>;
};

/** A pull request before its flags are known. */
export interface PullHead {
  readonly id: number;
  readonly pull: Omit<PullRequest, 'ci_status'>;
}

export function pullsOf(list: unknown, rawhide: number | undefined): Sifted<PullHead> {
  return sift(list, 'the pull requests of Pagure', (item) => pullOf(item, rawhide));
}

function pullOf(item: unknown, rawhide: number | undefined): PullHead | undefined {
  const fields = fieldsOf(item);
  const id = wholeOf(fields?.id);
  const title = textOf(fields?.title);
  const url = linkOf(fields?.full_url);
  if (fields === undefined || id === undefined || title === undefined || url === undefined) return undefined;
  const branch = textOf(fields.branch) ?? 'rawhide';
  return {
    id,
    pull: {
      title,
      url,
      author: personOf(fieldsOf(fields.user)?.name) ?? 'unknown',
      release: labelOf(branch, rawhide) ?? branch,
      date_created: timeOf(fields.date_created) ?? null,
      last_updated: timeOf(fields.last_updated) ?? timeOf(fields.updated_on) ?? null,
      comments: listOf(fields.comments)?.length ?? 0,
    },
  };
}

const RESULTS = [
  [/^succ/i, 'success'],
  [/^fail/i, 'failure'],
  [/^err/i, 'error'],
] as const;

/** The newest flag of each CI. What is no list of flags says nothing. */
export function ciStatus(answer: unknown): PullRequest['ci_status'] {
  const newest = new Map<string, { readonly atMs: number; readonly result: string | null }>();
  for (const flag of (listOf(fieldsOf(answer)?.flags) ?? []).map(fieldsOf)) {
    const ci = textOf(flag?.username);
    if (ci === undefined) continue;
    const atMs = msOf(flag?.date_created) ?? 0;
    const status = textOf(flag?.status) ?? '';
    const result = RESULTS.find(([pattern]) => pattern.test(status))?.[1] ?? null;
    if (atMs >= (newest.get(ci)?.atMs ?? -1)) newest.set(ci, { atMs, result });
  }
  return ordered([...newest].map(([ci, { result }]) => [ci, result] as const));
}
