import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifestPath, readManifest, verifyManifest, writeManifest } from '../../pipeline/emit/manifest.ts';

const DATA = Buffer.from('{"path":"gs://b/logs/j/1"}\n'.repeat(100_000));
const DESCRIPTION = {
  table: 'day',
  generation: 3,
  rows: 100_000,
  bytes: DATA.length,
  fileBytes: DATA.length,
  sha256: createHash('sha256').update(DATA).digest('hex'),
  createdAt: '2026-11-21T02:03:04.000Z',
  replace: false,
  firstFinished: 1_753_410_000,
  lastFinished: 1_753_420_000,
};

let dir = '';
let file = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'samovar-manifest-'));
  file = join(dir, 'day.json.gz');
  writeFileSync(file, DATA);
});

afterEach(() => rmSync(dir, { recursive: true }));

describe('a manifest', () => {
  it('is read as it was written, and its file is found whole', async () => {
    const written = await writeManifest(file, DESCRIPTION);
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(written).toEqual({ format: 1, file: 'day.json.gz', version, ...DESCRIPTION });
    expect(await readManifest(manifestPath(file))).toEqual(written);
    await verifyManifest(file, written);
    expect(readdirSync(dir).sort()).toEqual(['day.json.gz', 'day.json.gz.manifest.json']);
  });

  it('of a file without rows has no times', async () => {
    const { firstFinished, lastFinished, ...empty } = DESCRIPTION;
    expect({ firstFinished, lastFinished }).toBeDefined();
    await writeManifest(file, { ...empty, rows: 0 });
    expect('firstFinished' in (await readManifest(manifestPath(file)))).toBe(false);
  });

  it('that nobody could read is not written', async () => {
    await expect(writeManifest(file, { ...DESCRIPTION, sha256: '' })).rejects.toThrow(
      /sha256 must be 64 hexadecimal digits, and is ""/,
    );
    expect(readdirSync(dir)).toEqual(['day.json.gz']);
  });

  it('that cannot be written says so and leaves nothing', async () => {
    await expect(writeManifest(join(dir, 'no', 'day.json.gz'), DESCRIPTION)).rejects.toMatchObject({
      code: 'storage',
    });
    expect(readdirSync(dir)).toEqual(['day.json.gz']);
  });
});

describe('a manifest is refused', () => {
  const refused = async (change: Readonly<Record<string, unknown>>) => {
    const manifest = { format: 1, file: 'day.json.gz', version: '1', ...DESCRIPTION, ...change };
    writeFileSync(manifestPath(file), JSON.stringify(manifest));
    return readManifest(manifestPath(file)).then(
      () => undefined,
      (error: unknown) => error,
    );
  };

  it.each([
    [
      { file: '../../etc/passwd' },
      /file must be the name of a file beside it, without a folder, and is "\.\.\/\.\.\/etc\/passwd"/,
    ],
    [{ file: 'a\\b' }, /file must be/],
    [{ file: '..' }, /file must be/],
    [{ rows: -1 }, /rows must be a whole number from 0 on, and is -1/],
    [{ fileBytes: 1.5 }, /fileBytes must be/],
    [{ bytes: undefined }, /bytes must be a whole number from 0 on, and is absent/],
    [{ generation: '3' }, /generation must be .*, and is "3"/],
    [{ sha256: 'ABC' }, /sha256 must be/],
    [{ createdAt: 'yesterday' }, /createdAt must be a time/],
    [{ createdAt: '2026-13-41T99:00:00Z' }, /createdAt must be a time/],
    [{ replace: 'no' }, /replace must be true or false/],
    [{ table: '' }, /table must be/],
    [{ lastFinished: 'x' }, /lastFinished must be/],
    [{ rows: null, replace: 0 }, /rows must be .*; replace must be/],
  ])('with %j, saying what was wrong', async (change, reason) => {
    expect(await refused(change)).toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(reason),
    });
  });

  it('when another Samovar wrote it in another format', async () => {
    expect(await refused({ format: 2 })).toMatchObject({ code: 'incompatible' });
  });

  it('but not for a field it does not know', async () => {
    expect(await refused({ later: true })).toBeUndefined();
  });

  it.each(['', '{"format": 1', '[]', 'null'])('when it holds %j', async (text) => {
    writeFileSync(manifestPath(file), text);
    await expect(readManifest(manifestPath(file))).rejects.toMatchObject({ code: 'malformed' });
  });

  it('when it is not there', async () => {
    await expect(readManifest(manifestPath(file))).rejects.toMatchObject({ code: 'missing' });
  });
});

describe('a file is refused', () => {
  it('when it is shorter or longer than its manifest says', async () => {
    const manifest = await writeManifest(file, DESCRIPTION);
    for (const wrong of [DATA.subarray(1), Buffer.concat([DATA, Buffer.from('\n')]), Buffer.alloc(0)]) {
      writeFileSync(file, wrong);
      const message = expect.stringMatching(
        `its length in bytes is ${wrong.length} instead of ${DATA.length}`,
      );
      await expect(verifyManifest(file, manifest)).rejects.toMatchObject({ code: 'malformed', message });
    }
  });

  it('when one byte of it has changed', async () => {
    const manifest = await writeManifest(file, DESCRIPTION);
    const changed = Buffer.from(DATA);
    changed[1_000_000] = (changed[1_000_000] ?? 0) ^ 1;
    writeFileSync(file, changed);
    await expect(verifyManifest(file, manifest)).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(/its SHA-256 is/),
    });
  });

  it('when it is gone', async () => {
    const manifest = await writeManifest(file, DESCRIPTION);
    rmSync(file);
    await expect(verifyManifest(file, manifest)).rejects.toMatchObject({ code: 'missing' });
  });
});
