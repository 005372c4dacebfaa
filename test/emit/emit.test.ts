import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { emitRows } from '../../pipeline/emit/emit.ts';
import { gzipFileSink, type RowSink, streamSink } from '../../pipeline/emit/sinks.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { addRow, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const signal = new AbortController().signal;

function request(store: Store, over: object = {}) {
  return {
    destination: store.ledger.destination('all'),
    replaces: false,
    finishedSince: 0,
    finishedBefore: Number.MAX_SAFE_INTEGER,
    ...over,
  };
}

async function filled(rows: number): Promise<{ store: Store; text: string }> {
  const store = testStore(temp);
  let text = '';
  for (let n = 1; n <= rows; n += 1)
    text += (await addRow(store, { build: String(1000 + n), finishedAt: 1_000 + n })).line;
  return { store, text };
}

describe('emission', () => {
  it('writes one ordinary gzip file of every missing row in order, under its name only when it is whole', async () => {
    const { store, text } = await filled(450);
    const file = join(temp, 'out', 'all.json.gz');
    const emission = await emitRows(store, request(store), await gzipFileSink(file), { signal });
    const bytes = readFileSync(file);
    expect(gunzipSync(bytes).toString()).toBe(text);
    expect(emission).toMatchObject({
      rows: 450,
      bytes: text.length,
      fileBytes: bytes.length,
      firstFinished: 1_001,
      lastFinished: 1_450,
      more: false,
    });
    expect(emission.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(existsSync(`${file}.partial`)).toBe(false);
    expect(store.ledger.counts(emission.batch.destination)).toEqual({ committed: 0, open: 450 });
  });

  it('gives the same bytes for the same rows', async () => {
    const { store } = await filled(30);
    const files = ['a', 'b'].map((name) => join(temp, `${name}.json.gz`));
    for (const file of files)
      await emitRows(store, request(store, { replaces: true }), await gzipFileSink(file), { signal });
    expect(readFileSync(files[0] ?? '').equals(readFileSync(files[1] ?? ''))).toBe(true);
  });

  it('marks nothing and leaves no file when the output fails in the middle', async () => {
    const { store } = await filled(10);
    const file = join(temp, 'broken.json.gz');
    const sink = await gzipFileSink(file);
    let written = 0;
    const failing: RowSink = {
      ...sink,
      write: async (row) => (++written > 5 ? Promise.reject(new Error('disk full')) : sink.write(row)),
    };
    await expect(emitRows(store, request(store), failing, { signal })).rejects.toThrow('disk full');
    expect([existsSync(file), existsSync(`${file}.partial`)]).toEqual([false, false]);
    expect(store.ledger.counts(store.ledger.destination('all'))).toEqual({ committed: 0, open: 0 });
    expect(store.ledger.open(store.ledger.destination('all'))).toEqual([]);
  });

  it('marks nothing when the reader of a pipe goes away', async () => {
    const { store } = await filled(10);
    let taken = 0;
    const out = new Writable({
      write: (_chunk, _encoding, done) => {
        taken += 1;
        done(taken > 3 ? Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) : undefined);
      },
    });
    await expect(emitRows(store, request(store), streamSink(out), { signal })).rejects.toMatchObject({
      code: 'storage',
    });
    expect(store.ledger.open(store.ledger.destination('all'))).toEqual([]);
  });

  it('writes plain lines to a stream', async () => {
    const { store, text } = await filled(5);
    const out = new PassThrough();
    const chunks: Buffer[] = [];
    out.on('data', (chunk: Buffer) => chunks.push(chunk));
    await emitRows(store, request(store), streamSink(out), { signal });
    expect(Buffer.concat(chunks).toString()).toBe(text);
  });

  it('stops at a signal with nothing marked', async () => {
    const { store } = await filled(3);
    const stopped = AbortSignal.abort('SIGTERM');
    await expect(
      emitRows(store, request(store), await gzipFileSink(join(temp, 's.json.gz')), { signal: stopped }),
    ).rejects.toMatchObject({ code: 'aborted' });
    expect(store.ledger.open(store.ledger.destination('all'))).toEqual([]);
  });

  it('splits what is too large for one file, and the next file goes on', async () => {
    const { store } = await filled(450);
    const seen: number[] = [];
    for (let more = true; more; ) {
      const emission = await emitRows(
        store,
        request(store, { storedBytesMax: 1 }),
        await gzipFileSink(join(temp, 'part.json.gz')),
        { signal },
      );
      seen.push(emission.rows);
      more = emission.more;
    }
    expect(seen.reduce((sum, rows) => sum + rows, 0)).toBe(450);
    expect(seen.length).toBeGreaterThan(1);
  });

  it('gives the rows of builds asked for by path, emitted before or not', async () => {
    const { store } = await filled(5);
    const paths = ['1002', '1004', 'nope'].map((id) => `gs://bucket/logs/ci-job/${id}`);
    const file = join(temp, 'paths.json.gz');
    for (const _ of [1, 2]) {
      const emission = await emitRows(store, request(store, { paths }), await gzipFileSink(file), { signal });
      expect(emission.rows).toBe(2);
      rmSync(file);
    }
  });

  it('says which file could not be written, and what to do', async () => {
    const { store } = await filled(2);
    writeFileSync(join(temp, 'a-file'), '');
    await expect(gzipFileSink(join(temp, 'a-file', 'all.json.gz'))).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('a-file/all.json.gz'),
      remedy: expect.stringContaining('folder'),
    });
    expect(store.ledger.open(store.ledger.destination('all'))).toEqual([]);
  });
});
