import { Storage } from '@google-cloud/storage';
import pLimit from 'p-limit';
import type * as Buckets from '../../pipeline/backends/bucket/index.ts';
import { givenToChild } from './child.ts';
import { BUCKET, type CorpusOptions, createCorpus } from './corpus/index.ts';
import type { Run } from './run.ts';
import { moduleUrl } from './samovar.ts';

interface Given {
  readonly corpus: CorpusOptions;
  readonly endpoint: string;
  readonly side: string;
  readonly inFlight: number;
}

/** Run by requests.ts in a process of its own: every started.json, so many at once. */
const { corpus, endpoint, side, inFlight } = givenToChild<Given>();
const WARM = 50;

async function reader(): Promise<(name: string) => Promise<number>> {
  if (side !== 'samovar') {
    const bucket = new Storage({ apiEndpoint: endpoint, projectId: 'unused' }).bucket(BUCKET);
    return async (name) => (await bucket.file(name).download({ validation: false }))[0].length;
  }
  const { openBucket } = (await import(moduleUrl('backends/bucket/index'))) as typeof Buckets;
  const options = { timeoutMs: 30_000, connections: inFlight, endpoint, anonymous: true };
  const bucket = openBucket(`gs://${BUCKET}`, options);
  return async (name) => {
    const read = await bucket.read(name);
    return typeof read === 'object' ? read.bytes.length : 0;
  };
}

async function readAll(names: readonly string[], read: (name: string) => Promise<number>): Promise<number> {
  const limit = pLimit(inFlight);
  const sizes = await Promise.all(names.map((name) => limit(() => read(name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const names = createCorpus(corpus).names.filter((name) => name.endsWith('/started.json'));
const read = await reader();
await readAll(names.slice(0, WARM), read);
const started = performance.now();
const before = process.cpuUsage();
const outBytes = await readAll(names, read);
const { user, system } = process.cpuUsage(before);
const cpuS = (user + system) / 1e6;
const run: Run = {
  work: 'small GET',
  side,
  wallS: (performance.now() - started) / 1000,
  cpuS,
  cpuMsEach: (cpuS * 1000) / names.length,
  outBytes,
  requests: { started: names.length },
};
process.stdout.write(JSON.stringify(run), () => process.exit(0));
