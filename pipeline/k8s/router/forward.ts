import { fullName, type Repo, serviceName } from '../supervisor/names.ts';
import { textOf } from './bytes.ts';
import type { Around, Workers } from './calls.ts';
import type { Target } from './connections.ts';
import { routeError } from './status.ts';
import type { Table } from './table.ts';

export interface RetryRules {
  readonly attemptsMax: number;
  /** Before the second; twice as long before each more, and by chance a little more or less. */
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface ForwardOptions {
  /** As it is now. */
  readonly table: () => Table;
  readonly workers: Workers;
  /** Of the worker of `owner/name`, whose Service is `mtr-s-<hash>`. */
  readonly workerAddress: (service: string, full: string) => string;
  readonly retry: RetryRules;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly onRetry?: () => void;
}

export interface Forward {
  /** To the worker of the repository that the field `number` of the request names. */
  unary(path: string, number: number, request: Buffer, around: Around): Promise<Buffer>;
  /** To that repository's worker. */
  toRepo(repo: Repo, path: string, request: Buffer, around: Around): Promise<Buffer>;
  targetOf(repo: Repo): Target;
}

export function createForward(options: ForwardOptions): Forward {
  const { table, workers, retry, nowMs, sleep, random, onRetry } = options;
  // As long as the list holds them.
  const targets = new WeakMap<Repo, Target>();
  const targetOf: Forward['targetOf'] = (repo) => {
    const full = fullName(repo);
    const target = targets.get(repo) ?? {
      repo: full,
      address: options.workerAddress(serviceName(full), full),
    };
    targets.set(repo, target);
    return target;
  };
  const once = async (target: Target, path: string, request: Buffer, around: Around, attempt: number) => {
    const span = around.span.attempt({ ...target, path, attempt });
    const headers = { ...around.headers, traceparent: span.traceparent };
    try {
      const answer = await workers.unary(target, path, request, { ...around, headers });
      span.end('OK');
      return answer;
    } catch (error) {
      span.end(routeError(error).status);
      throw error;
    }
  };
  const toRepo: Forward['toRepo'] = async (repo, path, request, around) => {
    const target = targetOf(repo);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(target, path, request, around, attempt);
      } catch (error) {
        const waitMs = Math.min(retry.lastMs, retry.firstMs * 2 ** (attempt - 1)) * (0.5 + random());
        // Only what says that it was not begun, or may pass: an answer of any other kind is one.
        const mayPass = routeError(error).status === 'UNAVAILABLE' && attempt < retry.attemptsMax;
        if (!mayPass || around.signal.aborted || nowMs() + waitMs >= around.deadlineMs) throw error;
        onRetry?.();
        await sleep(waitMs, around.signal);
      }
    }
  };
  return {
    targetOf,
    toRepo,
    unary: async (path, number, request, around) =>
      toRepo(table().find(textOf(request, number)), path, request, around),
  };
}
