import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import type { Mutation } from '../../pipeline/records/mutation/types.ts';
import { tempFolder } from '../support/temp.ts';
import { issue } from './serving.ts';

const folder = tempFolder();
const WAIT_MS = { timeout: 60_000, interval: 100 };
let counter = 0;

/** A folder with a log of o/r, which a writer of another process' has ended. */
async function place(mutations: readonly Mutation[]) {
  counter += 1;
  const cwd = join(folder, String(counter));
  mkdirSync(join(cwd, 'data'), { recursive: true });
  const bucket = openBucket(`file:${join(cwd, 'data')}`, { timeoutMs: 10_000, connections: 1 });
  const add = async (more: readonly Mutation[]) => {
    const writer = await openLogWriter({
      bucket,
      prefix: 'mutation-log/o/r/',
      folder: join(cwd, 'wal'),
      nowMs: () => Date.now(),
    });
    await writer.append(more.map(encodeMutation));
    await writer.close();
  };
  await add(mutations);
  return { cwd, add };
}

async function started(cwd: string, ...args: string[]) {
  const child = spawn(
    process.execPath,
    [
      ...['--import', import.meta.resolve('tsx'), resolve(import.meta.dirname, 'main.ts')],
      ...['serve', '--grpc', '0', '--http', '0', '--every', '0.2', ...args],
    ],
    { cwd, env: { PATH: process.env.PATH, HOME: cwd }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const http = await vi.waitFor(() => {
    const [, url] = /"http":"([^"]+)"/.exec(stderr) ?? [];
    return url ?? expect.fail(`not serving: ${stderr}`);
  }, WAIT_MS);
  const get = async (path: string) => {
    const answer = await fetch(`${http}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  const ready = () => vi.waitFor(async () => expect((await get('/readyz')).status).toBe(200), WAIT_MS);
  return { child, get, ready, stderr: () => stderr };
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => child.on('exit', done));
}

describe('samovar mutation-log serve', () => {
  test('replays every log there is, follows it, and ends in order', { timeout: 120_000 }, async () => {
    const { cwd, add } = await place([issue(1), issue(2)]);
    const { child, get, ready } = await started(cwd);
    await ready();
    expect(JSON.parse((await get('/api/v1/o/r/issues?field_mask=title')).text)).toEqual({
      issues: [{ title: 'issue 1' }, { title: 'issue 2' }],
      total: 2,
    });
    await add([issue(3)]);
    await vi.waitFor(async () => {
      expect(JSON.parse((await get('/api/v1/o/repositories')).text)).toMatchObject({
        repositories: [{ issueCount: 3 }],
      });
    }, WAIT_MS);
    const segments = JSON.parse((await get('/logs')).text) as readonly {
      readonly size: number;
      readonly url: string;
    }[];
    const bytes = (await get(segments[0]?.url ?? '')).text;
    expect(bytes).toMatch(/^REC@0\+/);
    expect(segments).toMatchObject([{ number: 0, url: '/logs/0' }]);
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(143);
  });

  test('read-only shows what another process keeps', { timeout: 120_000 }, async () => {
    const { cwd } = await place([issue(1)]);
    const keeper = await started(cwd, 'o/r');
    await keeper.ready();
    const reader = await started(cwd, '--read-only');
    await reader.ready();
    expect(JSON.parse((await reader.get('/api/v1/o/r/issues?field_mask=title')).text)).toEqual({
      issues: [{ title: 'issue 1' }],
      total: 1,
    });
    expect((await reader.get('/api/v1/o/x/issues')).status).toBe(404);
  });
});
