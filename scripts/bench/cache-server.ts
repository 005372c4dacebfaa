import { openCache } from '../../pipeline/cache/open.ts';
import { createMetrics } from '../../pipeline/monitor/metrics.ts';
import { createProgress } from '../../pipeline/monitor/progress.ts';
import { createCacheApi } from '../../pipeline/serve/cache/app.ts';
import { startHttp } from '../../pipeline/serve/http.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { benchProviders, type CacheCorpus } from './cache-corpus.ts';

/** Serves a bench's cache until its stdin ends; prints the address. Arguments: database, corpus as JSON. */
const [file = '', corpusText = '{}'] = process.argv.slice(2);
const nowMs = () => Date.now();
const store = openStore(file, { nowMs });
const cache = openCache({
  store,
  providers: benchProviders(JSON.parse(corpusText) as CacheCorpus, () => 0),
  hosts: { standard: { concurrency: 4, gapMs: 0, failuresMax: 5, openMs: 60_000 }, hosts: {} },
  nowMs,
  seenMs: 14 * 86_400_000,
});
const api = createCacheApi({
  cache,
  messages: undefined,
  environment: 'prod',
  visitDays: 14,
  publicUrl: undefined,
  auth: { adminToken: undefined, sessionKey: undefined, motdSecret: undefined, oidc: undefined },
  publicDashboard: false,
  corsOrigins: [],
  rate: undefined,
  metrics: createMetrics(createProgress({ nowMs, monotonicMs: () => performance.now(), limitMs: 60_000 })),
  nowMs,
  log: (message, error) => process.stderr.write(`${message}: ${String(error)}\n`),
});
const server = await startHttp({ address: '0', fetch: api.fetch });
process.stdout.write(`${server.url}\n`);
process.stdin.resume();
process.stdin.once('end', () => void server.close().then(() => store.close()));
