import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { directoryBucket } from './corpus/directory.ts';
import { BUCKET } from './corpus/index.ts';
import { type CorpusSpec, openCorpus, revealed } from './corpus/source.ts';
import { answerTo, kindOf, type RequestKind, type ServedBuckets } from './gcs-answers.ts';
import { createRawServer, type RawAnswer, rawAnswer } from './raw-http.ts';
import type { RequestCounts, ServedTotals } from './server-process.ts';

/**
 * A Cloud Storage server for benches: buckets to read only, in a process of its own. Answers are kept in memory up to a bound,
 * so that what is measured is the collector. Prints `{"port":N}` when it listens. `GET /bench/counts` gives the requests since
 * the last `POST /bench/reset` by kind; `POST /bench/latency?ms=N` changes the wait before each answer, `POST /bench/reveal` makes
 * the builds appear that were hidden.
 */
interface Server {
  buckets: ServedBuckets;
  cache: AnswerCache;
  counts: RequestCounts;
  bytes: number;
  /** Requests being answered, and the most there ever were at once. */
  inFlight: number;
  inFlightMax: number;
  latencyMs: number;
  totals: ServedTotals;
}

interface KnownAnswer extends RawAnswer {
  readonly kind: RequestKind;
}

interface AnswerCache {
  get(url: string, make: () => KnownAnswer): KnownAnswer;
}

/** Keeps the first answers up to so many bytes; corpora are larger or smaller than that as a whole, so nothing is thrown out. */
function createCache(bytesMax: number): AnswerCache {
  const answers = new Map<string, KnownAnswer>();
  let bytes = 0;
  return {
    get: (url, make) => {
      const known = answers.get(url);
      if (known !== undefined) return known;
      const answer = make();
      const cost = answer.body.length + url.length * 2 + 500;
      if (bytes + cost <= bytesMax) {
        answers.set(url, answer);
        bytes += cost;
      }
      return answer;
    },
  };
}

function handle(server: Server, url: string, send: (answer: RawAnswer) => void): void {
  if (url.startsWith('/bench/')) {
    send(control(server, url));
    return;
  }
  const answer = answerOf(server, url);
  server.counts[answer.kind] = (server.counts[answer.kind] ?? 0) + 1;
  server.bytes += answer.body.length;
  server.inFlight += 1;
  server.inFlightMax = Math.max(server.inFlightMax, server.inFlight);
  const end = () => {
    server.inFlight -= 1;
    send(answer);
  };
  if (server.latencyMs > 0) setTimeout(end, server.latencyMs);
  else end();
}

function answerOf(server: Server, url: string): KnownAnswer {
  return server.cache.get(url, () => {
    const [path = '', query = ''] = url.split('?');
    const { status, headers, body } = answerTo(server.buckets, path, query);
    return { ...rawAnswer(status, headers, body), kind: kindOf(path) };
  });
}

function control(server: Server, url: string): RawAnswer {
  const { pathname, searchParams } = new URL(url, 'http://bench');
  if (pathname === '/bench/latency') server.latencyMs = Number(searchParams.get('ms') ?? 0);
  if (pathname === '/bench/reveal') reveal(server);
  const seen = {
    inFlightMax: server.inFlightMax,
    counts: server.counts,
    totals: server.totals,
    bytes: server.bytes,
    cpu: process.cpuUsage(),
    rssBytes: process.memoryUsage().rss,
  };
  if (pathname === '/bench/reset') {
    server.counts = {};
    server.bytes = 0;
  }
  return rawAnswer(200, { 'content-type': 'application/json' }, Buffer.from(JSON.stringify(seen)));
}

/** Makes what will be asked for before the clock runs: JUnit files and documents, not lists. Counts them on the way. */
function warm(server: Server): ServedTotals {
  let builds = 0;
  let xmlBytes = 0;
  for (const [bucketName, { names }] of server.buckets) {
    for (const name of names) {
      const path = `/storage/v1/b/${bucketName}/o/${encodeURIComponent(name)}`;
      const kind = kindOf(path);
      if (kind === 'other') continue;
      const answer = answerOf(server, `${path}?alt=media`);
      if (kind === 'started') builds += 1;
      if (kind === 'junit') xmlBytes += answer.body.length;
    }
  }
  return { builds, xmlBytes };
}

/** Directories as `NAME=DIR`. */
function directories(wanted: readonly string[]): ServedBuckets {
  return new Map(
    wanted.map((text) => {
      const equals = text.indexOf('=');
      return [text.slice(0, equals), directoryBucket(text.slice(equals + 1))];
    }),
  );
}

function reveal(server: Server): void {
  server.buckets = open(true);
  server.cache = createCache(cacheBytesMax);
  server.totals = warm(server);
}

function open(whole: boolean): ServedBuckets {
  if (values.dir !== undefined) return directories(values.dir);
  const spec = JSON.parse(values.corpus) as CorpusSpec;
  return new Map([[BUCKET, openCorpus(whole ? revealed(spec) : spec)]]);
}

const { values } = parseArgs({
  options: {
    corpus: { type: 'string', default: JSON.stringify({ builds: 500, seed: 1, anchorMs: Date.now() }) },
    dir: { type: 'string', multiple: true },
    latency: { type: 'string', default: '0' },
    port: { type: 'string', default: '0' },
    'cache-mb': { type: 'string', default: '1500' },
  },
});
const cacheBytesMax = Number(values['cache-mb']) * 1e6;
const server: Server = {
  buckets: open(false),
  cache: createCache(cacheBytesMax),
  counts: {},
  bytes: 0,
  inFlight: 0,
  inFlightMax: 0,
  latencyMs: Number(values.latency),
  totals: { builds: 0, xmlBytes: 0 },
};
server.totals = warm(server);
const listener = createRawServer((url, send) => handle(server, url, send));
listener.listen(Number(values.port), '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (listener.address() as AddressInfo).port })}\n`);
});
process.on('SIGTERM', () => process.exit(0));
// Whoever started the server holds its standard input: when that ends, so does the server.
process.stdin.on('end', () => process.exit(0)).resume();
