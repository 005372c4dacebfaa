import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { SamovarError } from '../../pipeline/errors.ts';
import { openBucketLog } from '../../pipeline/mutation-log/bucket-log.ts';
import { checkBucket } from '../../pipeline/mutation-log/check-bucket.ts';
import { checkFolder } from '../../pipeline/mutation-log/check-folder.ts';
import { listWalFiles } from '../../pipeline/mutation-log/folder-files.ts';
import { openFolderLog } from '../../pipeline/mutation-log/folder-log.ts';
import { repairBucket } from '../../pipeline/mutation-log/repair-bucket.ts';
import { repairFolder } from '../../pipeline/mutation-log/repair-folder.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { decodeMutation, encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { frameRecord } from '../../pipeline/records/mutation/framing.ts';
import { issueMutation } from '../support/corpus.ts';
import { leftByDead } from '../support/dead-writer.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const PREFIX = 'o/r/';
const NOW_MS = 1_000_000;
const LATER_MS = NOW_MS + 3_600_000;
const EMPTY = createHash('sha224').digest('hex');

interface Place {
  readonly bucket: Bucket;
  readonly folder: string;
  /** The log's objects. */
  readonly objects: string;
}

/** A log of nine records in three segments; its writer is gone. */
async function newLog({ closed = true } = {}): Promise<Place> {
  const folder = mkdtempSync(join(temp, 'log-'));
  const bucket = openBucket(`file://${folder}/bucket`, { timeoutMs: 5_000, connections: 4 });
  const place = { bucket, folder, objects: join(folder, 'bucket', PREFIX) };
  const writer = await writerOf(place, NOW_MS);
  for (let number = 1; number <= 9; number += 1) await writer.append([payload(number)]);
  await writer.flush();
  // One that was killed has its lease still.
  if (closed) await writer.close();
  else onTestFinished(() => writer.close().catch(() => undefined));
  expect(names(place)).toHaveLength(3);
  return place;
}

const payload = (number: number) => encodeMutation(issueMutation(number, { title: `issue ${number}` }));

const writerOf = ({ bucket, folder }: Place, nowMs: number, wal = 'wal') =>
  openLogWriter({
    bucket,
    prefix: PREFIX,
    folder: join(folder, wal),
    nowMs: () => nowMs,
    segmentBytesMax: 3 * (payload(1).length + 9) - 5,
  });

const names = ({ objects }: Place) =>
  readdirSync(objects)
    .filter((name) => name.endsWith('.mutlog'))
    .sort();
const nameOf = (place: Place, segment: number) => join(place.objects, names(place)[segment] ?? '');
const quarantined = ({ objects }: Place) => {
  const folder = join(objects, 'quarantine');
  return readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')] as const);
};
const check = ({ bucket }: Place) => checkBucket(bucket, PREFIX);
const repair = ({ bucket }: Place, dryRun = false) =>
  repairBucket(bucket, PREFIX, { dryRun, nowMs: () => LATER_MS });

async function numbers(place: Place): Promise<readonly (number | undefined)[]> {
  const found = [];
  for await (const record of openBucketLog(place.bucket, PREFIX).read())
    found.push(decodeMutation(record.payload).githubIssue?.number);
  return found;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return error instanceof SamovarError ? error.code : String(error);
}

/** Changes the bytes of a segment, whose name stays. */
function damage(place: Place, segment: number, change: (bytes: Buffer) => Buffer): void {
  const path = nameOf(place, segment);
  writeFileSync(path, change(readFileSync(path)));
}

const flip = (bytes: Buffer, at: number) => {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};

/** Offset of the second record of a segment. */
const SECOND = frameRecord(0, payload(1)).length;

interface Damage {
  readonly does: (place: Place) => void;
  readonly finding: object;
  readonly left: readonly number[];
  readonly kept?: (bytes: string) => void;
}

const DAMAGES: Readonly<Record<string, Damage>> = {
  'a frozen segment that was cut': {
    does: (place) => damage(place, 1, (bytes) => bytes.subarray(0, SECOND + 12)),
    finding: { kind: 'damaged', segment: 1, offset: SECOND },
    left: [1, 2, 3, 4, 7, 8, 9],
    kept: (bytes) => expect(bytes).toHaveLength(12),
  },
  'the last segment, cut inside of a record': {
    does: (place) => damage(place, 2, (bytes) => bytes.subarray(0, -1)),
    finding: { kind: 'damaged', segment: 2 },
    left: [1, 2, 3, 4, 5, 6, 7, 8],
    kept: (bytes) => expect(bytes).toMatch(/^REC@.*issue $/s),
  },
  'a header that is wrong': {
    does: (place) => damage(place, 0, (bytes) => flip(bytes, SECOND + 1)),
    finding: { kind: 'damaged', segment: 0, offset: SECOND },
    left: [1, 4, 5, 6, 7, 8, 9],
    kept: (bytes) => expect(bytes).toMatch(/^RDC@.*issue 2.*issue 3$/s),
  },
  'a segment that is no log at all': {
    does: (place) => damage(place, 1, () => Buffer.from('<html>')),
    finding: { kind: 'damaged', segment: 1, offset: 0 },
    left: [1, 2, 3, 7, 8, 9],
    kept: (bytes) => expect(bytes).toBe('<html>'),
  },
  'a record that is no mutation': {
    does: (place) => damage(place, 1, (bytes) => flip(bytes, SECOND + SECOND - payload(1).length + 1)),
    finding: { kind: 'damaged', segment: 1, offset: SECOND },
    left: [1, 2, 3, 4, 7, 8, 9],
    kept: (bytes) => expect(bytes).toMatch(/^REC@.*issue 5.*issue 6$/s),
  },
  'a letter that changed': {
    does: (place) => damage(place, 1, (bytes) => flip(bytes, SECOND - 1)),
    finding: { kind: 'hash', segment: 1 },
    left: [1, 2, 3, 4, 5, 6, 7, 8, 9],
    kept: (bytes) => expect(bytes).toMatch(/^REC@.*issue 5.*issue 5.*issue 6$/s),
  },
  'a segment that is missing': {
    does: (place) => rmSync(nameOf(place, 1)),
    finding: { kind: 'missing', segment: 1 },
    left: [1, 2, 3, 7, 8, 9],
  },
  'a manifest that cannot be read': {
    does: (place) => writeFileSync(join(place.objects, 'manifest.json'), '{'),
    finding: { kind: 'manifest' },
    left: [1, 2, 3, 4, 5, 6, 7, 8, 9],
    kept: (bytes) => expect(bytes).toBe('{'),
  },
  'a segment that another program replaced': {
    does: (place) => {
      const before = readFileSync(nameOf(place, 2));
      const bytes = Buffer.concat([before, frameRecord(before.length, payload(10))]);
      rmSync(nameOf(place, 2));
      const sha224 = createHash('sha224').update(bytes).digest('hex');
      writeFileSync(join(place.objects, `0002.${sha224}.mutlog`), bytes);
    },
    finding: { kind: 'manifest', segment: 2 },
    left: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  },
};

describe('a log in a bucket', () => {
  test('that is whole is found to be so, and repair does nothing to it', async () => {
    const place = await newLog();
    expect(await check(place)).toMatchObject({ segments: 3, records: 9, findings: [], notes: [] });
    const before = readdirSync(place.objects);
    expect(await repair(place)).toMatchObject({ steps: [] });
    expect(readdirSync(place.objects)).toEqual(before);
  });

  test.each(Object.entries(DAMAGES))('%s', async (_, { does, finding, left, kept }) => {
    const place = await newLog();
    const whole = names(place).map((name) => [name, readFileSync(join(place.objects, name))] as const);
    does(place);
    const damaged = readdirSync(place.objects).map((name) => readFileSync(join(place.objects, name)));
    const found = await check(place);
    expect(found.findings).toEqual([expect.objectContaining(finding)]);

    const plan = await repair(place, true);
    expect(plan).toMatchObject({ dryRun: true, steps: [{ finding }] });
    expect(readdirSync(place.objects).map((name) => readFileSync(join(place.objects, name)))).toEqual(
      damaged,
    );

    const done = await repair(place);
    expect(done.steps).toEqual(plan.steps);
    expect((await check(place)).findings).toEqual([]);
    expect((await numbers(place)).slice(0, left.length)).toEqual(left);
    if (kept === undefined) expect(() => quarantined(place)).toThrow();
    else {
      const [aside] = quarantined(place);
      kept(aside?.[1] ?? '');
      // maintner takes for a segment whatever ends like one, in any folder below the log.
      expect(aside?.[0]).not.toMatch(/\.mutlog$/);
      expect(done.steps[0]?.quarantine).toBe(`${place.bucket.url}/${PREFIX}quarantine/${aside?.[0]}`);
    }
    // The others are as they were.
    const segment = (finding as { segment?: number }).segment;
    for (const [at, [name, bytes]] of whole.entries())
      if (at !== segment) expect(readFileSync(join(place.objects, name))).toEqual(bytes);

    const writer = await writerOf(place, LATER_MS, 'another-wal');
    await writer.append([payload(77)]);
    await writer.close();
    expect(await numbers(place)).toEqual([...left, 77]);
  });

  test('several things at once are all repaired, and an empty segment stands where one was missing', async () => {
    const place = await newLog();
    damage(place, 0, (bytes) => flip(bytes, SECOND + 1));
    rmSync(nameOf(place, 1));
    expect((await repair(place)).steps.map(({ finding }) => finding.kind)).toEqual(['damaged', 'missing']);
    expect(await numbers(place)).toEqual([1, 7, 8, 9]);
    expect(names(place)[1]).toBe(`0001.${EMPTY}.mutlog`);
  });

  test('of maintner, without a manifest, gets none by being repaired', async () => {
    const place = await newLog();
    rmSync(join(place.objects, 'manifest.json'));
    damage(place, 1, (bytes) => bytes.subarray(0, SECOND + 12));
    await repair(place);
    expect(readdirSync(place.objects)).not.toContain('manifest.json');
    expect(await numbers(place)).toEqual([1, 2, 3, 4, 7, 8, 9]);
    expect((await check(place)).findings).toEqual([]);
  });

  test('is not repaired while somebody writes to it', async () => {
    const place = await newLog({ closed: false });
    damage(place, 0, (bytes) => flip(bytes, SECOND + 1));
    const early = repairBucket(place.bucket, PREFIX, { dryRun: false, nowMs: () => NOW_MS + 1 });
    expect(await codeOf(early)).toBe('conflict');
    expect(await codeOf(repair(place))).toBe('undefined');
  });

  test('a writer that comes back after a repair finds out that it was taken over', async () => {
    const place = await newLog();
    const writer = await writerOf(place, NOW_MS);
    damage(place, 0, (bytes) => flip(bytes, SECOND + 1));
    await repair(place);
    await writer.append([payload(10)]);
    expect(await codeOf(writer.flush())).toBe('conflict');
    await writer.close();
  });

  test('that is not there is an error, not a log without faults', async () => {
    const place = await newLog();
    expect(await codeOf(checkBucket(place.bucket, 'o/other/'))).toBe('missing');
  });

  test('a repair that is killed at any call can be run again, and nothing is lost on the way', async () => {
    for (let calls = 0; ; calls += 1) {
      const place = await newLog();
      damage(place, 1, (bytes) => bytes.subarray(0, SECOND + 12));
      damage(place, 2, (bytes) => flip(bytes, SECOND - 1));
      writeFileSync(
        join(place.objects, 'manifest.json'),
        calls % 2 === 0 ? '{' : readFileSync(join(place.objects, 'manifest.json')),
      );
      const { bucket, ended } = dyingAfter(place.bucket, calls);
      const nowMs = () => LATER_MS;
      await repairBucket(bucket, PREFIX, { dryRun: false, nowMs }).catch((error) => {
        expect(error, `killed at call ${calls}`).toMatchObject({ message: 'killed' });
      });
      await repair(place);
      expect((await check(place)).findings, `killed at call ${calls}`).toEqual([]);
      expect(await numbers(place)).toEqual([1, 2, 3, 4, 7, 8, 9]);
      const aside = quarantined(place).map(([, bytes]) => bytes);
      expect(aside.some((bytes) => bytes.length === 12)).toBe(true);
      if (!ended()) {
        expect(calls).toBeGreaterThan(10);
        break;
      }
    }
  });
});

/** A bucket whose process is killed after so many calls: before the next one has any effect, or just after. */
function dyingAfter(
  bucket: Bucket,
  calls: number,
): { readonly bucket: Bucket; readonly ended: () => boolean } {
  let left = calls;
  let dead = false;
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) throw new Error('killed');
    left -= 1;
    dead = left < 0;
    if (dead && calls % 3 === 0) throw new Error('killed');
    const result = await work();
    if (dead) throw new Error('killed');
    return result;
  };
  return {
    ended: () => dead,
    bucket: {
      url: bucket.url,
      list: (...args) => call(() => bucket.list(...args)),
      read: (...args) => call(() => bucket.read(...args)),
      stream: (...args) => call(() => bucket.stream(...args)),
      write: (...args) => call(() => bucket.write(...args)),
      remove: (...args) => call(() => bucket.remove(...args)),
      close: () => bucket.close(),
    },
  };
}

describe('a log on disk', () => {
  const FILES = ['maintner-2026-11-20.mutlog', 'maintner-2026-11-21.mutlog'] as const;

  /** Two days of three records. */
  function newFolder(): string {
    const folder = mkdtempSync(join(temp, 'days-'));
    mkdirSync(folder, { recursive: true });
    for (const file of FILES) {
      let bytes = Buffer.alloc(0);
      for (let number = 1; number <= 3; number += 1)
        bytes = Buffer.concat([bytes, frameRecord(bytes.length, payload(number))]);
      writeFileSync(join(folder, file), bytes);
    }
    return folder;
  }

  test('is cut at the last good record of each day, and the rest is kept', async () => {
    const folder = newFolder();
    expect(await checkFolder(folder)).toMatchObject({ segments: 2, records: 6, findings: [] });
    const path = join(folder, FILES[0]);
    const bytes = flip(readFileSync(path), SECOND + 1);
    writeFileSync(path, bytes);
    expect((await checkFolder(folder)).findings).toEqual([
      expect.objectContaining({ kind: 'damaged', subject: path, segment: 20261120, offset: SECOND }),
    ]);
    const plan = await repairFolder(folder, { dryRun: true });
    expect(readFileSync(path)).toEqual(bytes);
    expect(readdirSync(folder).sort()).toEqual([...FILES]);
    const done = await repairFolder(folder, { dryRun: false });
    expect(done).toEqual({ ...plan, dryRun: false });
    expect(readFileSync(path)).toEqual(bytes.subarray(0, SECOND));
    expect(readFileSync(done.steps[0]?.quarantine ?? '')).toEqual(bytes.subarray(SECOND));
    const offsets = [];
    for await (const { segment, offset } of openFolderLog(folder).read()) offsets.push([segment, offset]);
    expect(offsets).toEqual([
      [20261120, 0],
      [20261121, 0],
      [20261121, SECOND],
      [20261121, 2 * SECOND + 1],
    ]);
    expect(await repairFolder(folder, { dryRun: false })).toMatchObject({ steps: [] });
    expect(readdirSync(folder).sort()).toEqual([...FILES, 'quarantine']);
  });
});

describe('what a writer keeps on its disk', () => {
  const open = (folder: string, bucket: Bucket) =>
    openLogWriter({ bucket, prefix: 'o/r/', folder, nowMs: () => 0 });

  test('is cut where it is damaged, the rest is kept, and the writer goes on', async () => {
    const folder = mkdtempSync(join(temp, 'wal-'));
    const bucket = openBucket(`file://${folder}/bucket`, { timeoutMs: 5_000, connections: 2 });
    const writer = await open(join(folder, 'wal'), bucket);
    await writer.append([payload(1), payload(2), payload(3)]);
    const list = listWalFiles;
    await expect(repairFolder(join(folder, 'wal'), { list, dryRun: false })).rejects.toThrow(/is written by/);
    leftByDead(join(folder, 'wal'));
    const file = join(folder, 'wal', '0000.mutlog');
    const bytes = flip(readFileSync(file), SECOND + 1);
    writeFileSync(file, bytes);
    await expect(open(join(folder, 'wal'), bucket)).rejects.toMatchObject({ code: 'malformed' });
    expect((await checkFolder(join(folder, 'wal'), { list })).findings).toMatchObject([
      { kind: 'damaged', subject: file, segment: 0, offset: SECOND },
    ]);
    const { steps } = await repairFolder(join(folder, 'wal'), { list, dryRun: false });
    expect(readFileSync(steps[0]?.quarantine ?? '')).toEqual(bytes.subarray(SECOND));
    const again = await openLogWriter({
      ...{ bucket, prefix: 'o/r/', folder: join(folder, 'wal'), nowMs: () => NOW_MS },
    });
    await again.append([payload(4)]);
    await again.close();
    const found = [];
    for await (const record of openBucketLog(bucket, 'o/r/').read()) found.push(record.payload);
    expect(found).toEqual([payload(1), payload(4)].map((one) => Buffer.from(one)));
  });
});
