import type { IncomingMessage } from 'node:http';
import type { World } from './github-world.ts';

export type Resource = 'core' | 'graphql';

export interface Limits {
  /** Requests an hour of one token. */
  readonly core?: number;
  readonly graphql?: number;
}

interface Budget {
  used: number;
  resetS: number;
}

export interface Refused {
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Budgets by token: whoever asks without one shares one with all who do. */
export interface Budgets {
  /** Undefined: it may ask. Nothing is counted yet. */
  refusal(token: string, resource: Resource): Refused | undefined;
  count(token: string, resource: Resource, points: number): void;
  headers(token: string, resource: Resource): Readonly<Record<string, string>>;
  /** From now on, until `seconds` have passed, this token (default: every one) is told to wait. */
  slowDown(
    seconds: number,
    how?: { readonly token?: string; readonly retryAfter?: boolean; readonly status?: number },
  ): void;
  setLimits(limits: Limits): void;
  /** Requests that came although their token had been told to wait. */
  readonly ignored: number;
}

const HOUR_S = 3600;

export function createBudgets(world: World, limits: Limits): Budgets {
  let current = limits;
  let ignored = 0;
  const budgets = new Map<string, Budget>();
  const slowed = new Map<string, { untilMs: number; retryAfter: boolean; status: number; told: boolean }>();
  const told = new Set<string>();
  const limitOf = (token: string, resource: Resource) =>
    current[resource] ?? (token === '' && resource === 'core' ? 60 : 5000);
  const budgetOf = (token: string, resource: Resource): Budget => {
    const key = `${resource} ${token}`;
    const known = budgets.get(key);
    const nowS = Math.floor(world.nowMs / 1000);
    if (known !== undefined && known.resetS > nowS) return known;
    told.delete(key);
    const fresh = { used: 0, resetS: nowS + HOUR_S };
    budgets.set(key, fresh);
    return fresh;
  };
  const headers = (token: string, resource: Resource) => {
    const { used, resetS } = budgetOf(token, resource);
    const limit = limitOf(token, resource);
    return {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(Math.max(0, limit - used)),
      'x-ratelimit-used': String(used),
      'x-ratelimit-reset': String(resetS),
      'x-ratelimit-resource': resource,
    };
  };
  return {
    refusal: (token, resource) => {
      const slow = slowed.get(token) ?? slowed.get('*');
      if (slow !== undefined && world.nowMs < slow.untilMs) {
        if (slow.told) ignored += 1;
        slow.told = true;
        const seconds = Math.ceil((slow.untilMs - world.nowMs) / 1000);
        const headers: Refused['headers'] = slow.retryAfter ? { 'retry-after': String(seconds) } : {};
        return {
          status: 403,
          message:
            'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
          headers,
        };
      }
      if (budgetOf(token, resource).used < limitOf(token, resource)) return undefined;
      const key = `${resource} ${token}`;
      if (told.has(key)) ignored += 1;
      told.add(key);
      return {
        status: 403,
        message: 'API rate limit exceeded for user ID 1.',
        headers: headers(token, resource),
      };
    },
    count: (token, resource, points) => {
      budgetOf(token, resource).used += points;
    },
    headers,
    slowDown: (seconds, { token = '*', retryAfter = true, status = 403 } = {}) =>
      void slowed.set(token, { untilMs: world.nowMs + seconds * 1000, retryAfter, status, told: false }),
    setLimits: (now) => {
      current = now;
    },
    get ignored() {
      return ignored;
    },
  };
}

/** Empty without one. */
export function tokenOf({ headers }: IncomingMessage): string {
  return /^(?:token|bearer) (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
}
