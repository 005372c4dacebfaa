import { cpSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { type MigrateRequest, migrateLog } from '../../pipeline/jobs/mutation-migrate.ts';
import type { Destination } from '../../pipeline/jobs/mutation-migrate-destination.ts';
import { openBucketLog } from '../../pipeline/mutation-log/bucket-log.ts';
import type { LogRecord, LogSource } from '../../pipeline/mutation-log/contract.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { readRecords } from '../../pipeline/records/mutation/framing.ts';
import type { Mutation } from '../../pipeline/records/mutation/types.ts';
import { leftByDead } from '../support/dead-writer.ts';
import { fileBucket, hexOf, namesIn, payloadsOf, writeLog } from '../support/mutation-logs.ts';
import { NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();

const issue = (owner: string, repo: string, number: number, title = `${repo} ${number}`): Mutation => ({
  githubIssue: { owner, repo, number, title },
});
const label = (owner: string, repo: string): Mutation => ({
  github: { owner, repo, labels: [{ id: 7n, name: 'bug' }] },
});
/** A Git mutation (field 2), which has no codec: its bytes are what is copied. */
const GIT = Buffer.from([0x12, 0x04, 0x0a, 0x02, 0x0a, 0x00]);

const MIXED = [
  issue('o', 'a', 1),
  issue('o', 'b', 1),
  label('o', 'a'),
  issue('O', 'a', 1),
  issue('o', 'a', 2),
  issue('x', 'a', 1),
  label('o', 'b'),
  issue('o', 'a', 1, 'again'),
];
const ofRepo = (owner: string, repo: string) =>
  MIXED.filter((one) => {
    const said = one.githubIssue ?? one.github;
    return said?.owner === owner && said.repo === repo;
  });

function sourceOf(payloads: readonly Uint8Array[]): LogSource {
  let offset = 0;
  const records = payloads.map((payload): LogRecord => {
    const begin = offset;
    offset += `REC@${begin.toString(16)}+${payload.length.toString(16)}=`.length + payload.length;
    return { segment: 0, offset: begin, end: offset, payload };
  });
  return {
    url: 'memory:source',
    segments: async () => [{ number: 0, size: offset, sha224: '', name: '0', growing: true }],
    read: async function* () {
      yield* records;
    },
  };
}

/** Reads some records, then dies. */
function dyingSource(source: LogSource, records: number): LogSource {
  return {
    ...source,
    read: async function* () {
      let left = records;
      for await (const record of source.read()) {
        if (left === 0) throw new Error('killed');
        left -= 1;
        yield record;
      }
    },
  };
}

const mixed = () => sourceOf(MIXED.map(encodeMutation));

/** Long after. */
const endedLease = (manifest: Uint8Array): Uint8Array =>
  Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(manifest).toString()), leaseUntilMs: NOW_MS - 1 }));

let counter = 0;
function opened({ segmentBytesMax = 60 } = {}) {
  counter += 1;
  const bucket = fileBucket(folder, `bucket-${counter}`);
  const own = join(folder, `wal-${counter}`);
  const destination = ({ owner, name }: { owner: string; name: string }): Destination => {
    const prefix = `logs/${owner}/${name}/`;
    return {
      log: openBucketLog(bucket, prefix),
      openWriter: () =>
        openLogWriter({
          bucket,
          prefix,
          folder: join(own, owner, name),
          nowMs: () => NOW_MS,
          segmentBytesMax,
        }),
      discard: () => rm(join(own, owner, name), { recursive: true }),
    };
  };
  const repos = [
    { owner: 'o', name: 'a' },
    { owner: 'o', name: 'b' },
  ];
  const migrate = (source: LogSource, over: Partial<MigrateRequest> = {}) =>
    migrateLog({ source, repos, destination, keepGit: false, dryRun: false, ...over });
  return { bucket, migrate, folder: own };
}

const log = (bucket: Bucket, repo: string) => payloadsOf(bucket, `logs/o/${repo}/`);

describe('a migration', () => {
  test('gives each repository its records, in order and as they are; names keep their case', async () => {
    const { bucket, migrate } = opened();
    const result = await migrate(mixed());
    expect(await log(bucket, 'a')).toEqual(hexOf(ofRepo('o', 'a')));
    expect(await log(bucket, 'b')).toEqual(hexOf(ofRepo('o', 'b')));
    expect(result).toMatchObject({ records: 8, others: 2, git: 0 });
    expect(result.repositories).toMatchObject([
      { repository: 'o/a', records: 4, added: 4, known: 0 },
      { repository: 'o/b', records: 2, added: 2, known: 0 },
    ]);
  });

  test('changes nothing the second time', async () => {
    const { bucket, migrate } = opened();
    await migrate(mixed());
    const before = (await bucket.list('')).objects;
    const { repositories } = await migrate(mixed());
    expect(repositories).toMatchObject([
      { added: 0, known: 4 },
      { added: 0, known: 2 },
    ]);
    expect((await bucket.list('')).objects).toEqual(before);
  });

  test('adds what the source has got since', async () => {
    const { bucket, migrate } = opened();
    await migrate(sourceOf(MIXED.slice(0, 5).map(encodeMutation)));
    await migrate(mixed());
    expect(await log(bucket, 'a')).toEqual(hexOf(ofRepo('o', 'a')));
    expect(await log(bucket, 'b')).toEqual(hexOf(ofRepo('o', 'b')));
  });

  test.each([1, 3, 5, 7])('that was killed after %i records is gone on with', async (records) => {
    const { bucket, migrate } = opened();
    await expect(migrate(dyingSource(mixed(), records))).rejects.toThrow('killed');
    await migrate(mixed());
    expect(await log(bucket, 'a')).toEqual(hexOf(ofRepo('o', 'a')));
    expect(await log(bucket, 'b')).toEqual(hexOf(ofRepo('o', 'b')));
  });

  test('goes on behind what an earlier run wrote to this disk and never uploaded', async () => {
    const { bucket, migrate, folder: own } = opened();
    // As a killed process leaves it: in its folder, and in the bucket nothing but that it writes.
    const elsewhere = {
      bucket: fileBucket(folder, 'elsewhere'),
      prefix: 'logs/',
      folder: join(folder, 'killed'),
    };
    const writer = await openLogWriter({ ...elsewhere, nowMs: () => NOW_MS });
    await writer.append(ofRepo('o', 'a').slice(0, 2).map(encodeMutation));
    cpSync(elsewhere.folder, join(own, 'o', 'a'), { recursive: true });
    leftByDead(join(own, 'o', 'a'));
    const manifest = await elsewhere.bucket.read('logs/manifest.json');
    if (typeof manifest !== 'object') throw new Error('a writer has said nothing in its bucket');
    await bucket.write('logs/o/a/manifest.json', endedLease(manifest.bytes));
    await writer.close();
    const { repositories } = await migrate(mixed());
    expect(repositories[0]).toMatchObject({ known: 2, added: 2 });
    expect(await log(bucket, 'a')).toEqual(hexOf(ofRepo('o', 'a')));
  });

  test('of payloads that no codec knows copies their bytes', async () => {
    const { bucket, migrate } = opened();
    // An unknown field 99 behind the issue's, and fields in an order that nobody writes.
    const odd = Buffer.concat([
      Buffer.from([0x0a, 0x0a, 0x12, 0x01, 0x61, 0x0a, 0x01, 0x6f, 0x9a, 0x06, 0x01, 0x21]),
      Buffer.from([0x9a, 0x06, 0x01, 0x2a]),
    ]);
    await migrate(sourceOf([odd]));
    expect(await log(bucket, 'a')).toEqual([odd.toString('hex')]);
  });

  test('of Git mutations goes nowhere, or everywhere when it is asked to', async () => {
    const withGit = () => sourceOf([GIT, encodeMutation(issue('o', 'a', 1)), GIT]);
    const without = opened();
    expect(await without.migrate(withGit())).toMatchObject({ git: 2, others: 0 });
    expect(await log(without.bucket, 'a')).toEqual(hexOf([issue('o', 'a', 1)]));
    expect(await log(without.bucket, 'b').catch(() => [])).toEqual([]);
    const kept = opened();
    await kept.migrate(withGit(), { keepGit: true });
    expect(await log(kept.bucket, 'b')).toEqual([GIT.toString('hex'), GIT.toString('hex')]);
  });

  test('of a dry run writes nothing and says how much it would', async () => {
    const { bucket, migrate } = opened();
    const { repositories } = await migrate(mixed(), { dryRun: true });
    expect(repositories).toMatchObject([{ added: 4 }, { added: 2 }]);
    expect(await namesIn(bucket).catch(() => [])).toEqual([]);
  });

  test('of the log that maintner wrote gives its records as they are', async () => {
    const name = '0000.66066d1119a6c819bb186e08e9bd20604763714372ba6a123e738b89.mutlog';
    const bytes = readFileSync(resolve(import.meta.dirname, '../golden/mutation-log', name));
    const payloads: Uint8Array[] = [];
    for await (const { payload } of readRecords([bytes], { name })) payloads.push(payload);
    const { bucket, migrate } = opened();
    const { repositories, others } = await migrate(sourceOf(payloads), {
      repos: [{ owner: 'o', name: 'r' }],
    });
    // All but the empty mutation that it begins with.
    expect([others, repositories]).toMatchObject([1, [{ repository: 'o/r', added: payloads.length - 1 }]]);
    expect(await log(bucket, 'r')).toEqual(payloads.slice(1).map((one) => Buffer.from(one).toString('hex')));
  });
});

describe('a destination', () => {
  test('with other records is left as it is, and the other repositories go on', async () => {
    const { bucket, migrate } = opened();
    const other = [issue('o', 'a', 9), issue('o', 'a', 10)];
    await writeLog({ bucket, prefix: 'logs/o/a/', folder }, other);
    const { repositories } = await migrate(mixed());
    expect(repositories).toMatchObject([
      { failure: expect.stringContaining('other records') },
      { repository: 'o/b', added: 2 },
    ]);
    expect(await log(bucket, 'a')).toEqual(hexOf(other));
  });

  test('that has gone on behind the source is recognised; one that only looks longer is not', async () => {
    const { bucket, migrate } = opened();
    await migrate(mixed());
    await writeLog({ bucket, prefix: 'logs/o/a/', folder }, [issue('o', 'a', 3)]);
    await writeLog({ bucket, prefix: 'logs/x/a/', folder }, [issue('x', 'a', 7), issue('x', 'a', 8)]);
    const repos = [
      { owner: 'o', name: 'a' },
      { owner: 'x', name: 'a' },
    ];
    const { repositories } = await migrate(mixed(), { repos });
    expect(repositories).toMatchObject([
      { ahead: true, added: 0, known: 4 },
      { failure: expect.stringContaining('other records') },
    ]);
  });

  test('that another process writes fails alone', async () => {
    const { bucket, migrate } = opened();
    const writer = await openLogWriter({
      bucket,
      prefix: 'logs/o/a/',
      folder: join(folder, 'somebody'),
      nowMs: () => NOW_MS,
    });
    const { repositories } = await migrate(mixed());
    expect(repositories).toMatchObject([
      { failure: expect.stringContaining('written by another') },
      { repository: 'o/b', added: 2 },
    ]);
    await writer.close();
  });
});

test('records larger than what may wait come over whole, in several segments', async () => {
  const { bucket, migrate } = opened({ segmentBytesMax: 2 ** 20 });
  const body = 'x'.repeat(400_000);
  const big = Array.from({ length: 12 }, (_, at) => issue('o', 'a', at + 1, body));
  await migrate(sourceOf(big.map(encodeMutation)));
  expect(await log(bucket, 'a')).toEqual(hexOf(big));
  expect((await openBucketLog(bucket, 'logs/o/a/').segments()).length).toBeGreaterThan(4);
});
