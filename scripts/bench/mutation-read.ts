import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { replayLog } from '../../pipeline/jobs/mutation-replay.ts';
import { openBucketLog } from '../../pipeline/mutation-log/bucket-log.ts';
import type { LogSource } from '../../pipeline/mutation-log/contract.ts';
import { decodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { openStore } from '../../pipeline/store/open.ts';

/** What is done with a whole log: each the one before, and something more. */
export const PASSES = ['verify', 'decode', 'replay'] as const;

export const READ_SCRIPT: string = fileURLToPath(import.meta.url);

async function main([pass = '', folder = '', db = '']: readonly string[]): Promise<void> {
  const bucket = openBucket(`file://${folder}`, { timeoutMs: 60_000, connections: 2 });
  try {
    const source = openBucketLog(bucket, 'o/r/');
    const began = performance.now();
    const cpu = process.cpuUsage();
    const records = await run(pass, source, db);
    const { user, system } = process.cpuUsage(cpu);
    const wallS = (performance.now() - began) / 1000;
    const rssBytes = process.resourceUsage().maxRSS * 1024;
    process.stdout.write(`${JSON.stringify({ records, wallS, cpuS: (user + system) / 1e6, rssBytes })}\n`);
  } finally {
    bucket.close();
  }
}

async function run(pass: string, source: LogSource, db: string): Promise<number> {
  if (pass === 'replay') return replay(source, db);
  let records = 0;
  for await (const { payload } of source.read()) {
    if (pass === 'decode') decodeMutation(payload);
    records += 1;
  }
  return records;
}

async function replay(source: LogSource, db: string): Promise<number> {
  const store = openStore(join(db), { nowMs: () => Date.now() });
  try {
    const repo = store.corpus.repo('o', 'r');
    const { records } = await replayLog({ store, repo, source });
    return records;
  } finally {
    store.close();
  }
}

if (process.argv[1] === READ_SCRIPT) await main(process.argv.slice(2));
