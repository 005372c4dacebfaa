import type { Corpus, CorpusRepo } from '../store/corpus-types.ts';
import type { GithubStore, MissingKind } from '../store/github.ts';

/** What GitHub says has happened, as far as it is looked at. */
export interface Delivery {
  readonly id: string;
  /** `issues`, `issue_comment`, ... */
  readonly event: string;
  readonly owner: string;
  readonly repo: string;
  /** What it says is no longer there. */
  readonly missing?: { readonly kind: MissingKind; readonly id: bigint; readonly issue: number };
}

interface Payload {
  readonly action?: unknown;
  readonly repository?: { readonly full_name?: unknown } | null;
  readonly issue?: { readonly number?: unknown } | null;
  readonly pull_request?: { readonly number?: unknown } | null;
  readonly comment?: { readonly id?: unknown } | null;
}

/** Undefined: it is about no repository, or no JSON. */
export function deliveryOf(
  { id, event }: { readonly id: string; readonly event: string },
  body: string,
): Delivery | undefined {
  const payload = parsed(body);
  const [, owner, repo] = /^([\w.-]+)\/([\w.-]+)$/.exec(String(payload?.repository?.full_name)) ?? [];
  if (payload === undefined || owner === undefined || repo === undefined) return undefined;
  const missing = missingIn(event, payload);
  return { id, event, owner, repo, ...(missing && { missing }) };
}

function parsed(body: string): Payload | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Payload) : undefined;
  } catch {
    return undefined;
  }
}

const COMMENTS: Readonly<Record<string, MissingKind>> = {
  issue_comment: 'comment',
  pull_request_review_comment: 'review_comment',
};

function missingIn(event: string, payload: Payload): Delivery['missing'] {
  const issue = wholeNumber(payload.issue?.number ?? payload.pull_request?.number);
  if (issue === undefined) return undefined;
  const kind = COMMENTS[event];
  const comment = wholeNumber(payload.comment?.id);
  if (kind !== undefined && payload.action === 'deleted' && comment !== undefined)
    return { kind, id: BigInt(comment), issue };
  const left = event === 'issues' && (payload.action === 'deleted' || payload.action === 'transferred');
  return left ? { kind: 'issue', id: BigInt(issue), issue } : undefined;
}

function wholeNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

export interface DeliveryStore {
  readonly corpus: Pick<Corpus, 'find' | 'repos'>;
  readonly github: Pick<GithubStore, 'addDelivery' | 'addMissing' | 'wake'>;
  transaction<T>(work: () => T): T;
}

/**
 * Notes a delivery, once: its repository is asked about soon, and what it says is gone is looked for, as after a listing that did not
 * have it. `seen`: its id was noted before; `unknown`: nobody follows the repository.
 */
export function acceptDelivery(store: DeliveryStore, delivery: Delivery): 'accepted' | 'seen' | 'unknown' {
  return store.transaction(() => {
    const repo = followed(store.corpus, delivery);
    if (repo === undefined) return 'unknown';
    if (!store.github.addDelivery(delivery.id)) return 'seen';
    if (delivery.missing !== undefined) store.github.addMissing(repo.id, delivery.missing);
    store.github.wake(repo.id);
    return 'accepted';
  });
}

/** By the name it is followed by, or the one that GitHub has given it since. Case does not matter to GitHub. */
function followed(corpus: DeliveryStore['corpus'], { owner, repo }: Delivery): CorpusRepo | undefined {
  const exact = corpus.find(owner, repo);
  if (exact !== undefined) return exact;
  const wanted = `${owner}/${repo}`.toLowerCase();
  return corpus
    .repos()
    .find(
      (one) =>
        `${one.owner}/${one.name}`.toLowerCase() === wanted ||
        one.condition().renamedTo?.toLowerCase() === wanted,
    );
}
