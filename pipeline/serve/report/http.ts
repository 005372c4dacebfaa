import { addressText, cannotListen } from '../../net/address.ts';
import { createHttp, type Fetch, type Listening, listen } from '../../net/http.ts';

export { parseAddress } from '../../net/address.ts';

const LIMITS = {
  // Names of tests are long, and each of their letters may take nine.
  headerBytesMax: 32_768,
  requestMs: 10_000,
  silenceMs: 60_000,
  connectionsMax: 500,
} as const;

/** Throws `config` for an address that cannot be listened on. */
export async function startReportHttp({
  host,
  port,
  fetch,
}: {
  readonly host: string;
  readonly port: number;
  readonly fetch: Fetch;
}): Promise<Listening> {
  return listen(createHttp(fetch, LIMITS), { host, port }).catch((cause: Error) => {
    throw cannotListen(addressText(host, port), cause, { how: 'the dashboard', by: '--http' });
  });
}
