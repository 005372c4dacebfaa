import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { writeLog } from '../../pipeline/jobs/mutation-disk.ts';
import { openFolderLog } from '../../pipeline/mutation-log/folder-log.ts';
import { openFolderWriter } from '../../pipeline/mutation-log/folder-writer.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { cli } from '../support/cli.ts';
import { issueMutation } from '../support/corpus.ts';
import { tempFolder } from '../support/temp.ts';

const base = tempFolder();
const payloads = ['a', 'b', 'c'].map((title, at) => encodeMutation(issueMutation(at + 1, { title })));
const run = (cwd: string, ...args: readonly string[]) => cli(['mutation-log', ...args], { cwd });

/** A log of o/r where sync would write it. */
async function withLog(): Promise<{ readonly cwd: string; readonly segment: string }> {
  const cwd = mkdtempSync(join(base, 'run-'));
  const bucket = openBucket(`file://${cwd}/data/mutation-log`, { timeoutMs: 5_000, connections: 4 });
  const options = { bucket, prefix: 'o/r/', folder: join(cwd, 'wal'), nowMs: () => 0 };
  const writer = await openLogWriter(options);
  await writer.append(payloads);
  await writer.close();
  const [segment] = writer.segments();
  return { cwd, segment: join(cwd, 'data/mutation-log/o/r', segment?.name.split('/').at(-1) ?? '') };
}

describe('verify and repair', { timeout: 240_000 }, () => {
  test('say what is right and what is wrong, and repair does nothing before it is told to', async () => {
    const { cwd, segment } = await withLog();
    const right = await run(cwd, 'verify', 'o/r');
    expect(right).toMatchObject({ code: 0 });
    expect(right.stdout).toMatch(/1 segments?, 3 records, .*: all is right/);

    const whole = readFileSync(segment);
    writeFileSync(segment, whole.subarray(0, -1));
    const wrong = await run(cwd, 'verify', 'o/r', '--json');
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.stdout)).toMatchObject({
      records: 2,
      findings: [{ kind: 'damaged', segment: 0 }],
    });

    const plan = await run(cwd, 'repair', 'o/r');
    expect(plan.code).toBe(1);
    expect(plan.stdout).toContain('Nothing was done');
    expect(readFileSync(segment)).toEqual(whole.subarray(0, -1));

    const done = await run(cwd, 'repair', 'o/r', '--yes');
    expect(done.code).toBe(0);
    expect(done.stdout).toContain('cut behind its 2 good records');
  });

  test('see and mend what the writer keeps on this machine', async () => {
    const { cwd } = await withLog();
    const wal = join(cwd, 'data/mutation-log-wal/o/r');
    mkdirSync(wal, { recursive: true });
    writeFileSync(join(wal, '0000.mutlog'), 'REC@0+1=x and more');
    const args = ['o/r', '--wal'];
    expect(await run(cwd, 'verify', ...args)).toMatchObject({ code: 1 });
    expect((await run(cwd, 'repair', ...args, '--yes')).code).toBe(0);
    expect(readFileSync(join(wal, '0000.mutlog'))).toHaveLength(0);
    expect((await run(cwd, 'verify', ...args)).stdout).toContain('all is right');
    expect(await run(cwd, 'verify', '--wal')).toMatchObject({ code: 2 });
  });

  test('take a folder of daily files, and no log at all is an error', async () => {
    const cwd = mkdtempSync(join(base, 'run-'));
    mkdirSync(join(cwd, 'days'));
    const writer = await openFolderWriter({ folder: join(cwd, 'days'), nowMs: () => 0 });
    await writer.append(payloads);
    await writer.close();
    const found = await run(cwd, 'verify', '--log', 'days', '--json');
    expect(JSON.parse(found.stdout)).toMatchObject({ segments: 1, records: 3, findings: [] });
    const none = await run(cwd, 'verify', 'o/r');
    expect(none.code).not.toBe(0);
    expect(none.stderr).toContain('there is no log at');
  });

  test('disk writes the log as daily files, goes on where it stopped, and mixes no two logs', async () => {
    const { cwd } = await withLog();
    const first = await run(cwd, 'disk', 'o/r', '--out', 'days', '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({ records: 3, written: 3 });
    const source = openFolderLog(join(cwd, 'days'));
    const writerIn = (folder: string) => openFolderWriter({ folder: join(cwd, folder), nowMs: () => 0 });
    const again = await writerIn('days');
    expect(await writeLog(source, again)).toEqual({ records: 3, before: 3 });
    const other = await writerIn('other');
    await other.append([...payloads.slice(0, 1), ...payloads.slice(2)]);
    await expect(writeLog(source, other)).rejects.toThrow(/another record than .* at byte/);
    const more = await writerIn('more');
    await more.append([...payloads, ...payloads]);
    await expect(writeLog(source, more)).rejects.toThrow(/more records than/);
    await more.close();
    await again.close();
    await other.close();
  });
});
