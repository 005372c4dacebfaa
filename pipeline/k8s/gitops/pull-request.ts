import { codeOfStatus, SamovarError } from '../../errors.ts';
import type { PullRequests } from './config.ts';

export interface PullRequest {
  readonly title: string;
  readonly body: string;
  /** The branch that is to be merged, and where. */
  readonly head: string;
  readonly base: string;
}

/** Gives its page. */
export type PullRequester = (request: PullRequest) => Promise<string>;

export interface GithubOptions {
  readonly settings: PullRequests;
  readonly token: string;
  readonly signal: AbortSignal;
  readonly log: (message: string) => void;
}

const TIMEOUT_MS = 20_000;

/** Opens a pull request by GitHub's API; where there is one for this branch already, gives that one's page. */
export function githubPullRequests({ settings, token, signal, log }: GithubOptions): PullRequester {
  const root = `${settings.apiUrl ?? 'https://api.github.com'}/repos/${settings.repository ?? ''}`;
  const call = async (path: string, method: 'GET' | 'POST', body?: unknown) => {
    const answer = await fetch(`${root}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/vnd.github+json',
        'content-type': 'application/json',
        'x-github-api-version': '2022-11-28',
        'user-agent': 'samovar',
      },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, value: (await answer.json().catch(() => undefined)) as unknown };
  };
  return async (request) => {
    const made = await call('/pulls', 'POST', request).catch((error: unknown) => {
      if (signal.aborted) throw error;
      // It may have been made all the same: asked again, GitHub says so.
      return call('/pulls', 'POST', request);
    });
    const { number, url } =
      made.status === 201 ? pullOf(made.value) : await existing(call, settings, request, made);
    const { labels = [] } = settings;
    if (labels.length > 0) {
      const labelled = await call(`/issues/${number}/labels`, 'POST', { labels });
      if (labelled.status >= 300) log(`${url} has no labels: GitHub answered ${labelled.status}`);
    }
    return url;
  };
}

type Call = (path: string, method: 'GET' | 'POST') => Promise<{ status: number; value: unknown }>;

async function existing(
  call: Call,
  { repository = '' }: PullRequests,
  { head, base }: PullRequest,
  { status, value }: { readonly status: number; readonly value: unknown },
) {
  if (status === 422) {
    const query = new URLSearchParams({ head: `${repository.split('/')[0]}:${head}`, base, state: 'open' });
    const found = await call(`/pulls?${query}`, 'GET');
    const [first] = Array.isArray(found.value) ? (found.value as unknown[]) : [];
    if (first !== undefined) return pullOf(first);
  }
  const said = String((value as { message?: unknown } | undefined)?.message ?? '').slice(0, 200);
  throw new SamovarError(codeOfStatus(status), `GitHub opens no pull request: ${status} ${said}`, {
    subject: repository,
    status,
    remedy: 'Check the token: it needs to write pull requests there.',
  });
}

function pullOf(value: unknown): { readonly number: number; readonly url: string } {
  const { number, html_url: url } = (value ?? {}) as { number?: unknown; html_url?: unknown };
  if (typeof number === 'number' && typeof url === 'string') return { number, url };
  throw new SamovarError('malformed', 'GitHub answered with no pull request');
}
