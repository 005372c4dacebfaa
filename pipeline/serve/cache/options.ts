import type { Cache } from '../../cache/engine.ts';
import type { Metrics } from '../../monitor/contract.ts';
import type { MessageStore } from '../../store/cache-messages.ts';

export interface CacheApiOptions {
  readonly cache: Cache;
  /** The message of the day; undefined: there is none, and none can be set. */
  readonly messages: MessageStore | undefined;
  readonly environment: 'prod' | 'stg';
  /** A user is kept warm for so many days after the last visit: told to clients. */
  readonly visitDays: number;
  /** As browsers see this server, without a path: needed for OIDC; https makes cookies Secure. */
  readonly publicUrl: string | undefined;
  readonly auth: AuthOptions;
  /** The dashboard may be seen, not worked, by everybody. */
  readonly publicDashboard: boolean;
  /** Origins of browsers that may read the API from other sites: `https://dashboard.example`, or `*`. */
  readonly corsOrigins: readonly string[];
  /** Undefined: none. */
  readonly rate: RateOptions | undefined;
  readonly metrics: Metrics;
  readonly nowMs: () => number;
  readonly log: (message: string, error: unknown) => void;
  readonly limits?: Partial<ApiLimits>;
}

export interface AuthOptions {
  /** Whoever gives it at the dashboard's login may work the dashboard; undefined: nobody. */
  readonly adminToken: string | undefined;
  /** Seals sessions: the same for all servers behind one address. Undefined: a new one, which ends with the process. */
  readonly sessionKey: string | undefined;
  /** For whoever writes the message of the day. */
  readonly motdSecret: string | undefined;
  readonly oidc: OidcOptions | undefined;
}

export interface OidcOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined: a public client, held by PKCE alone. */
  readonly clientSecret: string | undefined;
  readonly scope?: string;
  /** Claim with the user's name; default `nickname`, then `preferred_username`, then `sub`. */
  readonly userClaim?: string;
  /** Default `groups`. */
  readonly groupsClaim?: string;
  /** Members may see private bugs; undefined: nobody. */
  readonly privateGroup: string | undefined;
  /** Members may work the dashboard; undefined: only by the admin token. */
  readonly adminGroup: string | undefined;
}

export interface RateOptions {
  readonly perSecond: number;
  readonly burst: number;
  /** Addresses that are remembered. */
  readonly clientsMax: number;
  /** Proxies in front, each of which adds to X-Forwarded-For; 0: the header is not believed. */
  readonly proxies: number;
}

export interface ApiLimits {
  readonly packagesMax: number;
  /** Of answers that are kept. */
  readonly answerBytesMax: number;
  /** An answer that was made is given again for so long, whatever changed since: many who poll cost as much as one. */
  readonly answerMs: number;
  readonly sessionMs: number;
  readonly bodyBytesMax: number;
}

export const LIMITS: ApiLimits = {
  packagesMax: 5_000,
  answerBytesMax: 64 * 1024 * 1024,
  answerMs: 1_000,
  sessionMs: 8 * 3_600_000,
  bodyBytesMax: 64 * 1024,
};

/** For servers that nobody has told otherwise: a dashboard asks once in ten seconds, an office has one address. */
export const RATE: RateOptions = { perSecond: 20, burst: 200, clientsMax: 10_000, proxies: 0 };
