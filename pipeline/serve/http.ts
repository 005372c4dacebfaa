import { cannotListen, parseAddress } from '../net/address.ts';
import { createHttp, type Fetch, type HttpLimits, type Listening, listen } from '../net/http.ts';

const LIMITS: HttpLimits = {
  headerBytesMax: 16_384,
  requestMs: 10_000,
  /** Longer than a follower waits for news. */
  silenceMs: 90_000,
  connectionsMax: 1_000,
};

export type HttpServer = Listening;

export interface HttpOptions {
  /** `HOST:PORT`, or `PORT` for this machine only. */
  readonly address: string;
  readonly fetch: Fetch;
  /** Default: those of an API. */
  readonly limits?: HttpLimits;
}

/** Throws `config` for an address that cannot be listened on. */
export async function startHttp({ address, fetch, limits = LIMITS }: HttpOptions): Promise<HttpServer> {
  const place = parseAddress(address);
  return listen(createHttp(fetch, limits), place).catch((cause: Error) => {
    throw cannotListen(address, cause, { how: 'HTTP', by: '--http' });
  });
}
