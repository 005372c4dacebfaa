import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import type { Mutation } from '../../pipeline/records/mutation/types.ts';
import { loadProto, serviceDefinition } from '../../pipeline/serve/proto.ts';
import { cli } from '../support/cli.ts';
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
  let stderr = '';
  let child: ChildProcess | undefined;
  const all = ['mutation-log', 'serve', '--grpc', '0', '--http', '0', '--every', '0.2', ...args];
  const result = cli(all, {
    cwd,
    onStart: (process) => {
      child = process;
    },
    onStderr: (text) => {
      stderr += text;
    },
  });
  onTestFinished(() => void child?.kill('SIGKILL'));
  const addressOf = (name: string) => new RegExp(`"${name}":"([^"]+)"`).exec(stderr)?.[1];
  const http = await vi.waitFor(() => {
    if (child?.exitCode !== null) return undefined;
    return addressOf('http') ?? expect.fail(`not serving: ${stderr}`);
  }, WAIT_MS);
  if (http === undefined) throw new Error((await result).stderr);
  const get = async (path: string) => {
    const answer = await fetch(`${http}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  const json = async (path: string) => JSON.parse((await get(path)).text) as unknown;
  const ready = () => vi.waitFor(async () => expect((await get('/readyz')).status).toBe(200), WAIT_MS);
  const stop = () => {
    child?.kill('SIGTERM');
    return result;
  };
  return { get, json, ready, stop, addressOf };
}

async function tombstone(address: string | undefined, issueNumbers: readonly number[]): Promise<unknown> {
  const method = serviceDefinition(
    await loadProto(),
    'maintner.internal.InternalIssueService',
  ).TombstoneIssues;
  if (address === undefined || method === undefined) throw new Error('no address or method');
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise((done) => {
    const request = { parent: 'o/r', issueNumbers };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) =>
      done(error?.details ?? answer),
    );
  });
}

describe('samovar mutation-log serve', () => {
  test('replays every log there is, follows it, and ends in order', { timeout: 120_000 }, async () => {
    const { cwd, add } = await place([issue(1), issue(2)]);
    const { get, json, ready, stop } = await started(cwd);
    await ready();
    expect(await json('/api/v1/o/r/issues?field_mask=title')).toEqual({
      issues: [{ title: 'issue 1' }, { title: 'issue 2' }],
      total: 2,
    });
    await add([issue(3)]);
    const counted = async () =>
      expect(await json('/api/v1/o/repositories')).toMatchObject({ repositories: [{ issueCount: 3 }] });
    await vi.waitFor(counted, WAIT_MS);
    expect(await json('/logs')).toMatchObject([{ number: 0, url: '/logs/0' }]);
    expect((await get('/logs/0')).text).toMatch(/^REC@0\+/);
    expect((await stop()).code).toBe(143);
  });

  test('tombstones go into a log that nobody else writes to', { timeout: 120_000 }, async () => {
    const { cwd, add } = await place([issue(1), issue(2)]);
    const { json, ready, addressOf } = await started(cwd, '--internal', '0', 'o/r');
    await ready();
    expect(await tombstone(addressOf('internal'), [1, 7])).toBe('o/r has no issues 7: nothing was written');
    expect(await tombstone(addressOf('internal'), [1])).toEqual({ tombstonedCount: 1 });
    expect(await json('/api/v1/o/r/issues?field_mask=title')).toEqual({
      issues: [{ title: 'issue 2' }],
      total: 1,
    });
    // It has given the log up again.
    await add([issue(3)]);
  });

  test('read-only shows what another process keeps', { timeout: 120_000 }, async () => {
    const { cwd } = await place([issue(1)]);
    const keeper = await started(cwd, 'o/r');
    await keeper.ready();
    const reader = await started(cwd, '--read-only');
    await reader.ready();
    expect(await reader.json('/api/v1/o/r/issues?field_mask=title')).toEqual({
      issues: [{ title: 'issue 1' }],
      total: 1,
    });
    expect((await reader.get('/api/v1/o/x/issues')).status).toBe(404);
    const { code, stderr } = await cli(['mutation-log', 'serve', '--wait', '0'], { cwd });
    expect([code, stderr]).toEqual([1, expect.stringContaining('--read-only')]);
  });

  test('what cannot be served is refused', { timeout: 120_000 }, async () => {
    const cases = [
      [['../etc'], 'is not OWNER/REPO'],
      [['--read-only', '--internal', '0'], '--read-only forbids it'],
      [['--http', 'x:y', 'o/r'], 'is no address'],
    ] as const;
    const seen = cases.map(async ([args, reason]) => {
      const { code, stderr } = await cli(['mutation-log', 'serve', ...args], { cwd: folder });
      expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
    });
    await Promise.all(seen);
  });
});
