import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import type { Body, BuildReaders, ReadBuild } from '../../pipeline/collect/reading/contract.ts';
import { localReaders } from '../../pipeline/collect/reading/local.ts';
import { readersFor } from '../../pipeline/collect/reading/open.ts';
import { threadReaders } from '../../pipeline/collect/reading/threads.ts';
import { unpackRow } from '../../pipeline/records/chunk.ts';
import { unpackRaw } from '../../pipeline/records/raw.ts';
import { tempFolder } from '../support/temp.ts';

const HEAD = {
  path: 'gs://bucket/logs/job/1',
  jobPrefix: '',
  started: { timestamp: 1_700_000_000 },
  finished: { timestamp: 1_700_000_100, result: 'SUCCESS' },
};
/** The thread as it is built: it starts without a loader of TypeScript. */
const script = join(tempFolder(), 'thread.mjs');
await build({
  entryPoints: ['pipeline/collect/reading/thread.ts'],
  outfile: script,
  bundle: true,
  format: 'esm',
  platform: 'node',
});
const threads = threadReaders(2, pathToFileURL(script));
afterAll(() => threads.close());

function suite(name: string, cases: number, text = ''): string {
  const one = (at: number) =>
    `<testcase name="${name} ${at}" time="${at / 10}">${at % 7 === 0 ? `<failure message="m">${text}${at}</failure>` : ''}</testcase>`;
  return `<testsuites><testsuite name="s">${Array.from({ length: cases }, (_, at) => one(at)).join('\n')}</testsuite></testsuites>`;
}

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  // One buffer for all, as a socket's may be: what is handed on must be a copy.
  const shared = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    shared.set(part);
    yield Buffer.from(shared.subarray(0, part.length));
  }
}

const FILES: Readonly<Record<string, Uint8Array>> = {
  'artifacts/junit_02.xml': Buffer.from(suite('b', 30)),
  'artifacts/junit_01.xml': Buffer.from(suite('large é', 6_000, 'text '.repeat(20))),
  'artifacts/junit_10.xml.gz.xml': gzipSync(suite('packed', 500)),
  'artifacts/junit_broken.xml': Buffer.from('<testsuites><testcase name="only"/><testcase'),
  'artifacts/junit_empty.xml': new Uint8Array(0),
};

async function readAll(
  readers: BuildReaders,
  names = Object.keys(FILES),
  bodyOf: (bytes: Uint8Array) => Body = (bytes) => chunks(bytes, 50_000),
): Promise<ReadBuild> {
  const reading = readers.begin();
  const read = (name: string) =>
    reading.read({ name, generation: '7' }, bodyOf(FILES[name] ?? new Uint8Array(0)));
  await Promise.all(names.map(read));
  return reading.finish(HEAD);
}

/** What must not depend on where a build was read; compressed bytes may. */
function meaning({ row, files }: ReadBuild) {
  return {
    row: { ...row, data: unpackRow(row.data, row.bytes).toString() },
    files: files.map(({ record, raw }) => ({
      record,
      name: raw.name,
      raw: unpackRaw(raw.encoding, raw.data, 1 << 30).toString('latin1'),
    })),
  };
}

describe('readers on threads', () => {
  it('make what readers on this thread make, whatever comes first', async () => {
    const here = meaning(await readAll(localReaders()));
    expect(here.row.testsRun).toBeGreaterThan(6_000);
    expect(here.files.map(({ name }) => name)).toEqual(Object.keys(FILES).sort());
    expect(meaning(await readAll(threads))).toEqual(here);
    expect(meaning(await readAll(threads, Object.keys(FILES).reverse()))).toEqual(here);
  });

  it('read a body that is there whole, in memory of its own or not, as one that comes in chunks', async () => {
    const names = Object.keys(FILES);
    const here = meaning(await readAll(localReaders()));
    const owned = (bytes: Uint8Array) => new Uint8Array(bytes);
    const shared = (bytes: Uint8Array) => new Uint8Array([1, 2, ...bytes, 3]).subarray(2, 2 + bytes.length);
    for (const bodyOf of [owned, shared]) {
      expect(meaning(await readAll(threads, names, bodyOf))).toEqual(here);
      expect(meaning(await readAll(localReaders(), names, bodyOf))).toEqual(here);
    }
  });

  it('keep builds apart that are read at once', async () => {
    const names = Object.keys(FILES);
    const one = async (name: string) => meaning(await readAll(threads, [name]));
    const alone = await Promise.all(
      names.map(async (name) => meaning(await readAll(localReaders(), [name]))),
    );
    expect(await Promise.all(names.map(one))).toEqual(alone);
  });

  it('keep nothing of a body that broke off, and take the file again from its start', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* chunks(Buffer.from(suite('lost', 9_000)), 100_000);
      throw new Error('connection reset');
    }
    for (const readers of [localReaders(), threads]) {
      const reading = readers.begin();
      const file = { name: 'artifacts/junit_02.xml', generation: '7' };
      await expect(reading.read(file, broken())).rejects.toThrow('connection reset');
      await reading.read(file, chunks(FILES[file.name] ?? new Uint8Array(0), 1_000));
      expect(meaning(await reading.finish(HEAD))).toEqual(
        meaning(await readAll(localReaders(), [file.name])),
      );
    }
  });

  it('hold a body back that comes faster than it is read', async () => {
    let given = 0;
    async function* large(): AsyncGenerator<Uint8Array> {
      for (; given < 40; given += 1) yield Buffer.alloc(1 << 18, 0x20);
    }
    const own = threadReaders(1, pathToFileURL(script));
    const reading = own.begin();
    const read = reading.read({ name: 'junit.xml', generation: '1' }, large());
    // The thread has not even started: what waits is one block with it and one here.
    for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
    expect(given).toBeLessThanOrEqual(3);
    await read;
    expect(given).toBe(40);
    await reading.finish(HEAD);
    await own.close();
  });

  it('fail what they were reading when they end, and read the next build', async () => {
    const own = threadReaders(1, pathToFileURL(script));
    const reading = own.begin();
    const body = async function* () {
      yield Buffer.from(suite('a', 10));
      await own.close();
      yield Buffer.alloc(600_000, 0x20);
    };
    await expect(reading.read({ name: 'junit.xml', generation: '1' }, body())).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(() => own.begin()).toThrow('reading has ended');
  });
});

it.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [32, 8],
])('on %i cores there are %i reading threads', (cores, threads) => {
  expect(readersFor(cores)).toBe(threads);
});
