import { spawnSync } from 'node:child_process';
import { brotliCompressSync, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import { createRawPacker, rawChunks, unpackRaw } from '../../pipeline/records/raw.ts';

function xml(cases: number): Buffer {
  const body = Array.from(
    { length: cases },
    (_, index) => `<testcase name="case ${index} é" time="${index / 7}"><skipped/></testcase>\n`,
  );
  return Buffer.from(`<testsuites>${body.join('')}</testsuites>`);
}

async function pack(bytes: Uint8Array, chunkBytes: number) {
  const packer = createRawPacker();
  for (let at = 0; at < bytes.length; at += chunkBytes)
    await packer.push(bytes.subarray(at, at + chunkBytes));
  return packer.end();
}

function codeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error instanceof SamovarError ? error.code : error;
  }
}

async function whole(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe('raw XML', () => {
  it.each([
    [0, 1],
    [1, 7],
    [300, 1000],
    [40_000, 65_536],
    [40_000, 5_000_000],
  ])('of %i cases comes back whole after packing in chunks of %i bytes', async (cases, chunkBytes) => {
    const file = cases === 0 ? Buffer.alloc(0) : xml(cases);
    const packed = await pack(file, chunkBytes);
    expect(packed).toMatchObject({ encoding: 'br', bytes: file.length });
    expect(unpackRaw(packed.encoding, packed.data, file.length).equals(file)).toBe(true);
    expect((await whole(rawChunks(packed.encoding, packed.data, file.length))).equals(file)).toBe(true);
    if (cases > 1000) expect(packed.data.length * 8).toBeLessThan(file.length);
  });

  it('is the same bytes for chunks of 64 kB as for chunks of 256 kB', async () => {
    const file = xml(20_000);
    const [small, large] = await Promise.all([pack(file, 1 << 16), pack(file, 1 << 18)]);
    expect(small.data.equals(large.data)).toBe(true);
  });

  it('is packed from a buffer its owner uses again', async () => {
    const packer = createRawPacker();
    const buffer = Buffer.from('first ');
    await packer.push(buffer);
    buffer.fill('second');
    await packer.push(buffer);
    const { data } = await packer.end();
    expect(unpackRaw('br', data, 100).toString()).toBe('first second');
  });

  it('packs 200 MB in bounded memory', async () => {
    const packer = createRawPacker();
    const chunk = xml(1000);
    const before = process.memoryUsage().rss;
    let peak = 0;
    for (let sent = 0; sent < 200e6; sent += chunk.length) {
      await packer.push(chunk);
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }
    const { bytes } = await packer.end();
    expect(bytes).toBeGreaterThanOrEqual(200e6);
    expect(peak).toBeLessThan(100e6);
  });

  it.each([500, 50_000])('can be given up half way, %i cases in', async (cases) => {
    const packer = createRawPacker();
    await packer.push(xml(cases));
    packer.discard();
    await expect(packer.push(xml(50_000))).rejects.toThrow();
  });

  it('of Kettle is read: zlib as Node and as Python write it', async () => {
    const file = xml(500);
    expect(unpackRaw('zlib', deflateSync(file, { level: 9 }), file.length).equals(file)).toBe(true);
    const python = spawnSync(
      'python3',
      ['-c', 'import sys,zlib;sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read(),9))'],
      { input: file },
    );
    if (python.status === 0) expect(unpackRaw('zlib', python.stdout, file.length).equals(file)).toBe(true);
  });

  it.each([
    ['br', brotliCompressSync(Buffer.alloc(2 ** 28), { params: { 1: 5 } })],
    ['zlib', deflateSync(Buffer.alloc(2 ** 28))],
  ] as const)('that is a bomb (%s) ends at the bound', async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(300_000);
    const before = process.memoryUsage().rss;
    expect(codeOf(() => unpackRaw(encoding, bomb, 1_000_000))).toBe('too-large');
    await expect(whole(rawChunks(encoding, bomb, 1_000_000))).rejects.toMatchObject({ code: 'too-large' });
    let seen = 0;
    for await (const chunk of rawChunks(encoding, bomb, 2 ** 28)) {
      seen += chunk.length;
      if (seen > 5_000_000) break;
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 26);
  });

  it.each(['br', 'zlib'] as const)('damaged, cut off or empty (%s) is refused', async (encoding) => {
    const file = xml(500);
    const data = encoding === 'br' ? (await pack(file, 1000)).data : deflateSync(file);
    const damaged = Buffer.from(data);
    damaged.fill(0xff, 0, 20);
    for (const wrong of [damaged, data.subarray(0, data.length - 20), Buffer.alloc(0)]) {
      expect(codeOf(() => unpackRaw(encoding, wrong, file.length))).toBe('malformed');
      await expect(whole(rawChunks(encoding, wrong, file.length))).rejects.toMatchObject({
        code: 'malformed',
      });
    }
  });
});
