import { existsSync, mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import type { LogPosition } from '../../pipeline/mutation-log/contract.ts';
import { openFolderLog } from '../../pipeline/mutation-log/folder-log.ts';
import { openFolderWriter } from '../../pipeline/mutation-log/folder-writer.ts';
import { frameRecord } from '../../pipeline/records/mutation/framing.ts';
import { tempFolder } from '../support/temp.ts';

const base = tempFolder();
const FRIDAY_MS = Date.parse('2026-11-20T23:59:00Z');
const DAY_MS = 86_400_000;
const FILE = 'maintner-2026-11-20.mutlog';
const newFolder = () => mkdtempSync(join(base, 'log-'));
const payload = (text: string) => Buffer.from(text);

/** Two days: a and bb, then c. */
async function twoDays(): Promise<string> {
  const folder = newFolder();
  let nowMs = FRIDAY_MS;
  const writer = await openFolderWriter({ folder, nowMs: () => nowMs });
  await writer.append([payload('a'), payload('bb')]);
  nowMs += DAY_MS;
  await writer.append([payload('c')]);
  await writer.close();
  return folder;
}

async function texts(folder: string, from?: LogPosition): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const record of openFolderLog(folder).read(from === undefined ? {} : { from }))
    found.push(`${record.segment}:${record.offset}:${Buffer.from(record.payload).toString()}`);
  return found;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return error instanceof SamovarError ? `${error.code}: ${error.message}` : String(error);
}

test('each day of UTC has its file, and the days are segments in order', async () => {
  const folder = await twoDays();
  expect(readdirSync(folder).sort()).toEqual([FILE, 'maintner-2026-11-21.mutlog']);
  expect(readFileSync(join(folder, FILE), 'latin1')).toBe('REC@0+1=aREC@9+2=bb');
  expect(await texts(folder)).toEqual(['20261120:0:a', '20261120:9:bb', '20261121:0:c']);
  const segments = await openFolderLog(folder).segments();
  expect(segments.map(({ number, size, growing }) => [number, size, growing])).toEqual([
    [20261120, 19, false],
    [20261121, 9, true],
  ]);
});

test('reading goes on behind the last record that is known', async () => {
  const folder = await twoDays();
  expect(await texts(folder, { segment: 20261120, offset: 9 })).toEqual(['20261120:9:bb', '20261121:0:c']);
  expect(await texts(folder, { segment: 20261120, offset: 19 })).toEqual(['20261121:0:c']);
  expect(await texts(folder, { segment: 20261121, offset: 9 })).toEqual([]);
});

test('a place that is not in the log is a split of the history', async () => {
  const folder = await twoDays();
  expect(await codeOf(texts(folder, { segment: 20261120, offset: 5 }))).toMatch(/^conflict: history-split/);
  expect(await codeOf(texts(folder, { segment: 20261121, offset: 10 }))).toMatch(/^conflict: history-split/);
  expect(await codeOf(texts(folder, { segment: 20261119, offset: 1 }))).toMatch(/^conflict: history-split/);
});

test('a writer goes on where the last one ended, also when the clock was put back a day', async () => {
  const folder = await twoDays();
  const writer = await openFolderWriter({ folder, nowMs: () => FRIDAY_MS });
  expect(writer.end()).toEqual({ segment: 20261121, offset: 9 });
  const [record] = await writer.append([payload('d')]);
  expect(record).toMatchObject({ segment: 20261121, offset: 9, end: 18 });
  expect(writer.segments()).toEqual(await openFolderLog(folder).segments());
  expect(Buffer.from(await writer.bytes(20261121, { start: 9, end: 18 })).toString()).toBe('REC@9+1=d');
  await writer.close();
  expect((await texts(folder)).at(-1)).toBe('20261121:9:d');
});

test('of two writers the second is refused, and one that has ended is no hindrance', async () => {
  const folder = newFolder();
  const first = await openFolderWriter({ folder, nowMs: () => FRIDAY_MS });
  expect(await codeOf(openFolderWriter({ folder, nowMs: () => FRIDAY_MS }))).toMatch(
    new RegExp(`^conflict: .*process ${process.pid} on `),
  );
  await first.close();
  const second = await openFolderWriter({ folder, nowMs: () => FRIDAY_MS });
  await second.close();
  expect(existsSync(join(folder, '.writer'))).toBe(false);
});

test('a writer that died is followed by the next one', async () => {
  const folder = await twoDays();
  for (const left of [
    '{"process":999999999,"host":"HOST"}',
    `{"process":${process.pid},"host":"HOST"}`,
    '',
  ]) {
    const { hostname } = await import('node:os');
    writeFileSync(join(folder, '.writer'), left.replace('HOST', hostname()));
    const writer = await openFolderWriter({ folder, nowMs: () => FRIDAY_MS });
    await writer.close();
  }
  writeFileSync(join(folder, '.writer'), '{"process":1,"host":"another.example"}');
  expect(await codeOf(openFolderWriter({ folder, nowMs: () => FRIDAY_MS }))).toContain(
    'process 1 on another.example',
  );
});

test('somebody who writes without asking is found out before anything is written behind him', async () => {
  const folder = newFolder();
  const writer = await openFolderWriter({ folder, nowMs: () => FRIDAY_MS });
  await writer.append([payload('a')]);
  writeFileSync(join(folder, FILE), frameRecord(9, payload('other')), { flag: 'a' });
  expect(await codeOf(writer.append([payload('b')]))).toMatch(
    /^conflict: .*22 bytes where this writer left 9/,
  );
  await writer.close();
  expect(await texts(folder)).toEqual(['20261120:0:a', '20261120:9:other']);
});

test('an append that was cut off at any byte is put aside, and nothing before it is lost', async () => {
  const whole = Buffer.concat([frameRecord(0, payload('a')), frameRecord(9, payload('a long one'))]);
  for (let bytes = 9; bytes <= whole.length; bytes += 1) {
    const folder = newFolder();
    writeFileSync(join(folder, FILE), whole.subarray(0, bytes));
    const writer = await openFolderWriter({ folder, nowMs: () => FRIDAY_MS });
    const at = bytes === whole.length ? whole.length : 9;
    expect(writer.end(), `${bytes} bytes`).toEqual({ segment: 20261120, offset: at });
    await writer.append([payload('next')]);
    await writer.close();
    expect((await texts(folder)).at(-1)).toBe(`20261120:${at}:next`);
    const aside = join(folder, 'quarantine', `${FILE}.at-9`);
    expect(existsSync(aside), `${bytes} bytes`).toBe(bytes > 9 && bytes < whole.length);
    if (existsSync(aside)) expect(readFileSync(aside)).toEqual(whole.subarray(9, bytes));
  }
});

test('a writer touches nothing of a file that is damaged in its middle', async () => {
  const folder = await twoDays();
  const path = join(folder, 'maintner-2026-11-21.mutlog');
  writeFileSync(path, 'REC@0+1=cREX@9+1=dREC@12+1=e');
  expect(await codeOf(openFolderWriter({ folder, nowMs: () => FRIDAY_MS }))).toMatch(
    /^malformed: .*damaged at byte 9/,
  );
  expect(readFileSync(path, 'latin1')).toBe('REC@0+1=cREX@9+1=dREC@12+1=e');
  expect(existsSync(join(folder, '.writer'))).toBe(false);
});

test('a reader says where a file is torn or wrong, having given what is before', async () => {
  const folder = await twoDays();
  truncateSync(join(folder, FILE), 18);
  const given: string[] = [];
  const read = async () => {
    for await (const record of openFolderLog(folder).read())
      given.push(Buffer.from(record.payload).toString());
  };
  expect(await codeOf(read())).toMatch(/^malformed: .*maintner-2026-11-20\.mutlog is damaged at byte 9/);
  expect(given).toEqual(['a']);
});

test('a file that maintner would replay somewhere, and whose name has no day, is refused', async () => {
  const folder = await twoDays();
  writeFileSync(join(folder, 'notes.txt'), 'passed over');
  expect(await texts(folder)).toHaveLength(3);
  writeFileSync(join(folder, 'maintner-old.mutlog'), '');
  expect(await codeOf(texts(folder))).toMatch(/^config: .*maintner-old\.mutlog/);
});

test('a folder that is not there is an empty log', async () => {
  expect(await texts(join(base, 'nowhere'))).toEqual([]);
  expect(await openFolderLog(join(base, 'nowhere')).segments()).toEqual([]);
});
