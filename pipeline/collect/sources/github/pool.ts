import { SamovarError } from '../../../errors.ts';

/** What GitHub counts apart. */
export type Resource = 'core' | 'graphql';

/** One token or installation of an app. `name` is for people: never the secret. */
export interface Member<T> {
  readonly name: string;
  readonly client: T;
  /** An installation's: it may read what this account has only. */
  readonly account?: string;
}

export interface Quota {
  readonly name: string;
  readonly resource: Resource;
  readonly remaining: number;
  readonly limit: number;
  /** Epoch milliseconds. */
  readonly resetMs: number;
}

export interface TokenPool<T> {
  /**
   * The member that may ask most, or the preferred one if it may ask, waiting until one may ask at all. Throws `aborted`, or `config`
   * where no member can read the account.
   */
  take(resource: Resource, wish: Wish): Promise<Member<T>>;
  /** What an answer's headers said. */
  note(member: Member<T>, resource: Resource, headers: Headers): void;
  /** This member asks nothing before then. */
  pause(member: Member<T>, untilMs: number): void;
  /** This member's credentials are refused: it asks nothing for an hour. False: nobody else is left to ask for the account. */
  refuse(member: Member<T>, account: string): boolean;
  quotas(): readonly Quota[];
}

export interface Wish {
  readonly account: string;
  /** Its name. */
  readonly prefer?: string;
  readonly signal?: AbortSignal;
}

export type Headers = Readonly<Record<string, string | number | undefined>>;

const HOUR_MS = 3_600_000;
/** What is used elsewhere at the same time with the same token must not run dry by us. */
const RESERVE = 5;

interface Seat<T> {
  readonly member: Member<T>;
  readonly quotas: Map<Resource, Quota>;
  pausedUntilMs: number;
  refusedUntilMs: number;
}

export function createPool<T>(
  members: readonly Member<T>[],
  around: {
    readonly nowMs: () => number;
    readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
    /** Told before a wait for GitHub's next hour. */
    readonly onWait?: (ms: number) => void;
  },
): TokenPool<T> {
  const seats: readonly Seat<T>[] = members.map((member) => ({
    member,
    quotas: new Map(),
    pausedUntilMs: 0,
    refusedUntilMs: 0,
  }));
  const ableTo = (account: string) =>
    seats.filter(({ member }) => member.account === undefined || sameAccount(member.account, account));
  const seatOf = (member: Member<T>) => seats.find((seat) => seat.member === member);
  return {
    take: async (resource, { account, prefer, signal }) => {
      const able = ableTo(account);
      if (able.length === 0) throw nobody(account);
      while (true) {
        const nowMs = around.nowMs();
        const free = able.filter((seat) => freeAtMs(seat, resource, nowMs) <= nowMs);
        const preferred = free.find(({ member }) => member.name === prefer);
        if (preferred !== undefined) return preferred.member;
        const [best] = free.sort((a, b) => remaining(b, resource, nowMs) - remaining(a, resource, nowMs));
        if (best !== undefined) return best.member;
        const waitMs = Math.min(...able.map((seat) => freeAtMs(seat, resource, nowMs))) - nowMs;
        around.onWait?.(waitMs);
        await around.sleep(waitMs + 1000, signal);
        if (signal?.aborted) throw new SamovarError('aborted', 'given up, the run is ending');
      }
    },
    note: (member, resource, headers) => {
      const quota = quotaOf({ name: member.name, resource, headers }, around.nowMs());
      if (quota !== undefined) seatOf(member)?.quotas.set(resource, quota);
    },
    pause: (member, untilMs) => {
      const seat = seatOf(member);
      if (seat !== undefined) seat.pausedUntilMs = Math.max(seat.pausedUntilMs, untilMs);
    },
    refuse: (member, account) => {
      const nowMs = around.nowMs();
      const seat = seatOf(member);
      if (seat !== undefined) seat.refusedUntilMs = nowMs + HOUR_MS;
      return ableTo(account).some(({ refusedUntilMs }) => refusedUntilMs <= nowMs);
    },
    quotas: () => seats.flatMap(({ quotas }) => [...quotas.values()]),
  };
}

function freeAtMs<T>(
  { quotas, pausedUntilMs, refusedUntilMs }: Seat<T>,
  resource: Resource,
  nowMs: number,
): number {
  const quota = quotas.get(resource);
  const spent = quota !== undefined && quota.remaining <= RESERVE && quota.resetMs > nowMs;
  return Math.max(pausedUntilMs, refusedUntilMs, spent ? quota.resetMs : 0);
}

function remaining<T>({ quotas }: Seat<T>, resource: Resource, nowMs: number): number {
  const quota = quotas.get(resource);
  return quota === undefined || quota.resetMs <= nowMs ? Number.POSITIVE_INFINITY : quota.remaining;
}

function quotaOf(
  { name, resource, headers }: { name: string; resource: Resource; headers: Headers },
  nowMs: number,
): Quota | undefined {
  const left = numberIn(headers, 'x-ratelimit-remaining');
  const resetMs = resetMsOf(headers, nowMs);
  if (left === undefined || resetMs === undefined) return undefined;
  const limit = numberIn(headers, 'x-ratelimit-limit') ?? left;
  return { name, resource, remaining: left, limit, resetMs };
}

/** When an hour's requests are there again, by our clock: GitHub says it by its own, which may be another. */
export function resetMsOf(headers: Headers, nowMs: number): number | undefined {
  const resetS = numberIn(headers, 'x-ratelimit-reset');
  const serverMs = Date.parse(String(headers.date));
  if (resetS === undefined) return undefined;
  return resetS * 1000 + (Number.isFinite(serverMs) ? nowMs - serverMs : 0);
}

export function numberIn(headers: Headers, name: string): number | undefined {
  const value = Number(headers[name] ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

const sameAccount = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

function nobody(account: string): SamovarError {
  return new SamovarError('config', `no GitHub token and no installation can read ${account}`, {
    subject: account,
    remedy: 'Install the GitHub App there, or set SAMOVAR_GITHUB_TOKENS.',
  });
}
