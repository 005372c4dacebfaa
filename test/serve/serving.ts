import { performance } from 'node:perf_hooks';
import { onTestFinished } from 'vitest';
import { createMetrics } from '../../pipeline/monitor/metrics.ts';
import { createProgress } from '../../pipeline/monitor/progress.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import type { GithubIssueMutation, Mutation } from '../../pipeline/records/mutation/types.ts';
import { createFilters } from '../../pipeline/serve/filter.ts';
import type { ReplayState, Served, ServedLog, ServedRepo } from '../../pipeline/serve/served.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../pipeline/serve/server.ts';
import { issueService, type ServiceOptions } from '../../pipeline/serve/service.ts';
import { pageTokens } from '../../pipeline/serve/token.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { applyAll, at, issueMutation } from '../support/corpus.ts';
import { testStore } from '../support/store.ts';

export const NOW_MS = Date.parse('2026-11-20T12:00:00Z');
export const READY: ReplayState = { ready: true, detail: 'following' };

export interface ServedTest {
  readonly store: Store;
  readonly served: Served;
  /** Applies mutations of o/r. */
  readonly apply: (...mutations: Mutation[]) => void;
  /** As it is told from then on. */
  readonly setState: (state: ReplayState) => void;
  /** Payloads that were written through `write`. */
  readonly written: Uint8Array[];
}

/** A corpus with o/r, served. */
export function servedTest(
  folder: string,
  { log, writes = true }: { readonly log?: ServedLog; readonly writes?: boolean } = {},
): ServedTest {
  const store = testStore(folder);
  const repo = store.corpus.repo('o', 'r');
  const written: Uint8Array[] = [];
  let state = READY;
  const apply = (...mutations: Mutation[]) => applyAll(store, repo, mutations);
  const write = async (payloads: readonly Uint8Array[]) => {
    written.push(...payloads);
    const position = repo.position() ?? { segment: 0, offset: 0 };
    let { offset } = position;
    store.transaction(() =>
      repo.apply(
        payloads.map((payload) => {
          const begin = offset;
          offset += `REC@${begin.toString(16)}+${payload.length.toString(16)}=`.length + payload.length;
          return { segment: position.segment, offset: begin, end: offset, payload };
        }),
      ),
    );
  };
  const one: ServedRepo = { repo, state: () => state, ...(log && { log }), ...(writes && { write }) };
  const served: Served = {
    repos: () => [one],
    find: (owner, name) => (owner === 'o' && name === 'r' ? one : undefined),
    logins: store.corpus,
  };
  return {
    store,
    served,
    apply,
    written,
    setState: (next) => {
      state = next;
    },
  };
}

/** An issue that is there, with what is said of it. */
export function issue(number: number, said: Partial<GithubIssueMutation> = {}): Mutation {
  return issueMutation(number, {
    title: `issue ${number}`,
    created: at(1_000 + number),
    updated: at(2_000 + number),
    user: { id: 7n, login: 'kim' },
    closed: { val: false },
    ...said,
  });
}

export function serviceOf(served: Served, more: Partial<ServiceOptions> = {}) {
  return issueService({
    served,
    filters: createFilters(),
    tokens: pageTokens(Buffer.from('a secret')),
    nowMs: () => NOW_MS,
    monotonicMs: () => performance.now(),
    ...more,
  });
}

/** All three addresses, on ports that are free. */
export async function serverOf(
  served: Served,
  more: Partial<ServerOptions> = {},
): Promise<RunningServer & { readonly grpc: string; readonly internal: string; readonly http: string }> {
  const monotonicMs = () => performance.now();
  const progress = createProgress({ nowMs: () => NOW_MS, monotonicMs, limitMs: 60_000 });
  const server = await startServer({
    served,
    addresses: { grpc: '0', internal: '0', http: '0' },
    encodeTombstone: (owner, repo, number) =>
      encodeMutation({ githubIssue: { owner, repo, number, notExist: true } }),
    progress,
    metrics: createMetrics(progress),
    nowMs: () => NOW_MS,
    monotonicMs,
    log: () => undefined,
    ...more,
  });
  onTestFinished(() => server.close());
  return server as Required<RunningServer>;
}

/** What is refused, as `STATUS: message`. */
export async function refused(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    const { status, message } = error as { readonly status?: string; readonly message: string };
    return `${status}: ${message}`;
  }
  return 'nothing';
}
