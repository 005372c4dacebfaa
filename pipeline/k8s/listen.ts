import { cannotListen, parseAddress } from '../net/address.ts';
import { createHttp, type Fetch, type Listening, listen } from '../net/http.ts';

export type { Listening };

export interface ListenLimits {
  readonly connectionsMax: number;
  /** A connection on which nothing happens for so long is closed. */
  readonly silenceMs: number;
}

const HEADER_BYTES_MAX = 16_384;
const REQUEST_MS_MAX = 10_000;

/** Serves pages at `HOST:PORT`, or at `PORT` of this machine only. Throws `config` for an address that cannot be had. */
export async function listenHttp(
  address: string,
  fetch: Fetch,
  { connectionsMax, silenceMs }: ListenLimits,
): Promise<Listening> {
  const place = hostAndPort(address);
  const requestMs = Math.min(silenceMs, REQUEST_MS_MAX);
  const server = createHttp(fetch, {
    ...{ connectionsMax, silenceMs, requestMs, headerBytesMax: HEADER_BYTES_MAX },
  });
  return listen(server, place).catch((cause: Error) => {
    throw cannotListen(address, cause);
  });
}

/** Go's `:9109` too, for every address. Throws `config`. */
export function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  return parseAddress(text.replace(/^(?=:\d)/, '0.0.0.0'));
}
