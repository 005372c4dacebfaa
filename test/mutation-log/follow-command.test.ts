import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { repoOf } from '../../pipeline/commands/mutation-log/log-place.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { cli } from '../support/cli.ts';
import { issueMutation } from '../support/corpus.ts';
import { startLogServer } from '../support/log-server.ts';
import { tempFolder } from '../support/temp.ts';

const base = tempFolder();
const WAIT_MS = { timeout: 120_000, interval: 100 };
const payloads = (...titles: readonly string[]) =>
  titles.map((title, index) => encodeMutation(issueMutation(index + 1, { title })));

/** A command that is under way: its process, and what it has said so far. */
function started(cwd: string, ...args: readonly string[]) {
  const said = { stdout: '' };
  let child: ChildProcess | undefined;
  const ended = cli(['mutation-log', ...args], {
    cwd,
    onStart: (process) => {
      child = process;
      process.stdout?.on('data', (text: string) => {
        said.stdout += text;
      });
    },
  });
  return { said, ended, kill: () => child?.kill('SIGTERM') };
}

const done = (cwd: string, ...args: readonly string[]) => cli(['mutation-log', ...args], { cwd });

function titlesIn(cwd: string): readonly string[] {
  const store = openStore(join(cwd, 'data/mutation-log.db'), { nowMs: () => Date.now() });
  try {
    const repo = store.corpus.find('o', 'r');
    return repo?.issues({ after: 0, limit: 100 }).map(({ title }) => title) ?? [];
  } finally {
    store.close();
  }
}

const folder = () => mkdtempSync(join(base, 'run-'));

describe('follow', { timeout: 240_000 }, () => {
  test('goes on until SIGTERM, the next one goes on behind it, and a split history ends it', async () => {
    const cwd = folder();
    const server = await startLogServer();
    server.append(payloads('a'));
    const { said, ended, kill } = started(cwd, 'follow', server.url, 'o/r', '--json');
    await vi.waitFor(() => expect(said.stdout).toContain('"records":1'), WAIT_MS);
    server.append(payloads('b'));
    await vi.waitFor(() => expect(said.stdout).toContain('"records":2'), WAIT_MS);
    kill();
    expect((await ended).code).toBe(143);
    expect(titlesIn(cwd)).toEqual(['b']);
    server.append(payloads('c', 'd'));
    const again = await done(cwd, 'follow', server.url, 'o/r', '--once');
    expect(again.stdout).toMatch(/^o\/r: 2 records \(\d+ B\) replayed; now at segment 0, byte \d+\n$/);
    expect(titlesIn(cwd)).toEqual(['c', 'd']);
    expect(readdirSync(join(cwd, 'data/mutation-log-follow/o/r'))).toEqual(['0000.growing.mutlog']);
    server.replace([]);
    server.append(payloads('x'));
    const split = await done(cwd, 'follow', server.url, 'o/r', '--once');
    expect([split.code, split.stderr]).toEqual([1, expect.stringMatching(/history-split.*\n.*--rebuild/)]);
    await done(cwd, 'follow', server.url, 'o/r', '--once', '--rebuild');
    expect(titlesIn(cwd)).toEqual(['x']);
  });

  test('refuses what is no URL', async () => {
    const { code, stderr } = await done(folder(), 'follow', 'ftp://host/logs', 'o/r');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/is no http or https URL/)]);
  });
});

test.each(['o', 'o/r/x', 'o/..', 'o /r', ''])('%j is no repository', (text) => {
  expect(() => repoOf(text)).toThrow(/is not OWNER\/REPO/);
});

describe('replay', { timeout: 240_000 }, () => {
  test('of a log in a bucket, found by the settings or named', async () => {
    const cwd = folder();
    const logs = join(cwd, 'data/mutation-log');
    mkdirSync(logs, { recursive: true });
    const bucket = openBucket(`file:${logs}`, { timeoutMs: 10_000, connections: 1 });
    const options = { bucket, prefix: 'o/r/', folder: join(cwd, 'wal'), nowMs: () => Date.now() };
    const writer = await openLogWriter(options);
    await writer.append(payloads('a', 'b'));
    await writer.close();
    const first = await done(cwd, 'replay', 'o/r', '--json');
    expect(first.stderr).toBe('');
    expect(JSON.parse(first.stdout)).toMatchObject({
      repository: 'o/r',
      records: 2,
      position: { segment: 0 },
    });
    const anew = await done(cwd, 'replay', 'o/r', '--log', `${logs}/o/r`, '--rebuild');
    expect(anew.stdout).toMatch(/^o\/r: 2 records /);
    expect(titlesIn(cwd)).toEqual(['a', 'b']);
  });

  test("of a folder of maintner's daily files", async () => {
    const cwd = folder();
    const log = join(cwd, 'log');
    mkdirSync(log);
    const day = (number: number, title: string) => {
      const payload = encodeMutation(issueMutation(number, { title }));
      return Buffer.concat([Buffer.from(`REC@0+${payload.length.toString(16)}=`), payload]);
    };
    writeFileSync(join(log, 'maintner-2020-01-30.mutlog'), day(1, 'a'));
    writeFileSync(join(log, 'maintner-2020-02-01.mutlog'), day(2, 'b'));
    const first = await done(cwd, 'replay', 'o/r', '--log', log);
    expect(first.stdout, first.stderr).toMatch(/^o\/r: 2 records /);
    expect(titlesIn(cwd)).toEqual(['a', 'b']);
  });

  test('of a log that is not there says so', async () => {
    const { code, stderr } = await done(folder(), 'replay', 'o/r');
    expect(stderr).toMatch(/there is no log at file:data\/mutation-log\/o\/r\//);
    expect(code).toBe(1);
  });
});
