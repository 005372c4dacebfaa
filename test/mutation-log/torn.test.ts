import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openLocalSegments } from '../../pipeline/mutation-log/local.ts';
import { isTornAppend } from '../../pipeline/mutation-log/torn.ts';
import { frameRecord } from '../../pipeline/records/mutation/framing.ts';
import { tempFolder } from '../support/temp.ts';

const base = tempFolder();

/** Records one behind the other. */
function recordsOf(...texts: readonly string[]): Buffer {
  return texts.reduce(
    (bytes, text) => Buffer.concat([bytes, frameRecord(bytes.length, Buffer.from(text))]),
    Buffer.alloc(0),
  );
}

const first = recordsOf('one').length;

describe('what follows the last good record', () => {
  test('is a torn append as long as no record is found in it', () => {
    const rest = recordsOf('one', 'two').subarray(first);
    for (let bytes = 1; bytes < rest.length; bytes += 1)
      expect(isTornAppend(rest.subarray(0, bytes), first), `${bytes} bytes`).toBe(true);
    expect(isTornAppend(Buffer.alloc(5_000), first)).toBe(true);
    expect(isTornAppend(Buffer.from('REC@'.repeat(100)), first)).toBe(true);
    expect(isTornAppend(Buffer.from('a body with REC@1+1=x in it'), first)).toBe(true);
  });

  test('is damage when a record is behind it', () => {
    const bytes = recordsOf('one', 'two', 'three');
    const rest = Buffer.from(bytes.subarray(first));
    rest[0] = 0;
    expect(isTornAppend(rest, first)).toBe(false);
    // A length that became larger swallows what follows.
    const swallowing = Buffer.from(bytes.toString('latin1').replace('+3=two', '+f3=tw'), 'latin1');
    expect(isTornAppend(swallowing.subarray(first), first)).toBe(false);
  });
});

describe('a local segment', () => {
  const folderWith = (bytes: Uint8Array) => {
    const folder = mkdtempSync(join(base, 'wal-'));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '0003.mutlog'), bytes);
    return folder;
  };

  test('goes on behind its last whole record, and what was torn is kept aside', async () => {
    const folder = folderWith(recordsOf('one', 'two').subarray(0, -1));
    const [segment] = await openLocalSegments(folder);
    expect(segment?.size()).toBe(first);
    await segment?.close();
    expect(readFileSync(join(folder, '0003.mutlog'))).toEqual(recordsOf('one'));
    expect(readFileSync(join(folder, 'quarantine', `0003.mutlog.at-${first.toString(16)}`))).toEqual(
      recordsOf('one', 'two').subarray(first, -1),
    );
  });

  test('that is damaged before whole records is refused and not touched: those were promised to be there', async () => {
    const bytes = recordsOf('one', 'two', 'three');
    bytes[first] = 0;
    const folder = folderWith(bytes);
    await expect(openLocalSegments(folder)).rejects.toMatchObject({
      code: 'malformed',
      remedy: expect.stringContaining('repair OWNER/REPO --wal'),
    });
    expect(readFileSync(join(folder, '0003.mutlog'))).toEqual(bytes);
    expect(existsSync(join(folder, 'quarantine'))).toBe(false);
  });
});
