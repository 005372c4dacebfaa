import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { issueMutation } from '../support/corpus.ts';
import { startLogServer } from '../support/log-server.ts';
import { tempFolder } from '../support/temp.ts';

const base = tempFolder();
const WAIT_MS = { timeout: 60_000, interval: 100 };
const payloads = (...titles: readonly string[]) =>
  titles.map((title, index) => encodeMutation(issueMutation(index + 1, { title })));

function run(cwd: string, ...args: readonly string[]) {
  const entry = ['--import', import.meta.resolve('tsx'), resolve(import.meta.dirname, 'follow-main.ts')];
  const child = spawn(process.execPath, [...entry, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const ended = new Promise<number | null>((done) => child.on('close', (code) => done(code)));
  return { child, said, ended };
}

async function done(cwd: string, ...args: readonly string[]) {
  const { said, ended } = run(cwd, ...args);
  return { code: await ended, ...said };
}

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

describe('follow', { timeout: 120_000 }, () => {
  test('goes on until SIGTERM, and the next one goes on behind it', async () => {
    const cwd = folder();
    const server = await startLogServer();
    server.append(payloads('a'));
    const { child, said, ended } = run(cwd, 'follow', server.url, 'o/r', '--json');
    await vi.waitFor(() => expect(said.stdout, said.stderr).toContain('"records":1'), WAIT_MS);
    server.append(payloads('b'));
    await vi.waitFor(() => expect(said.stdout, said.stderr).toContain('"records":2'), WAIT_MS);
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
    expect(titlesIn(cwd)).toEqual(['b']);
    server.append(payloads('c', 'd'));
    const again = await done(cwd, 'follow', server.url, 'o/r', '--once');
    expect(again.stdout).toMatch(/^o\/r: 2 records \(\d+ B\) replayed; now at segment 0, byte \d+\n$/);
    expect(titlesIn(cwd)).toEqual(['c', 'd']);
    expect(readdirSync(join(cwd, 'data/mutation-log-follow/o/r'))).toEqual(['0000.growing.mutlog']);
  });

  test('refuses a history that split and what is no repository or URL', async () => {
    const cwd = folder();
    const server = await startLogServer();
    server.append(payloads('a'));
    await done(cwd, 'follow', server.url, 'o/r', '--once');
    server.replace([]);
    server.append(payloads('x'));
    const [split, url, repo] = await Promise.all([
      done(cwd, 'follow', server.url, 'o/r', '--once'),
      done(folder(), 'follow', 'ftp://host/logs', 'o/r'),
      done(folder(), 'follow', server.url, 'o/../r'),
    ]);
    expect(split.stderr).toMatch(/history-split/);
    expect(url.stderr).toMatch(/is no http or https URL/);
    expect(repo.stderr).toMatch(/is not OWNER\/REPO/);
    const anew = await done(cwd, 'follow', server.url, 'o/r', '--once', '--rebuild');
    expect(anew.stdout, anew.stderr).toMatch(/^o\/r: 1 records /);
    expect(titlesIn(cwd)).toEqual(['x']);
  });
});

describe('replay', { timeout: 120_000 }, () => {
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
    const again = await done(cwd, 'replay', 'o/r', '--log', `file:${logs}/o/r/`);
    expect(again.stdout).toMatch(/^o\/r: 0 records \(0 B\) replayed in /);
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
    writeFileSync(join(log, 'maintner-2020-02-02.mutlog'), day(3, 'c'));
    expect((await done(cwd, 'replay', 'o/r', '--log', `file:${log}/`)).stdout).toMatch(/^o\/r: 1 records /);
  });

  test('of a log that is not there says so', async () => {
    const { code, stderr } = await done(folder(), 'replay', 'o/r');
    expect(stderr).toMatch(/there is no log at file:data\/mutation-log\/o\/r\//);
    expect(code).not.toBe(0);
  });
});
