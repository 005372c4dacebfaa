import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** The real runner.sh in a folder of its own, where a small script stands in for the built command line. */
let folder = '';
let running: ChildProcess[] = [];
const FAKE_CLI = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
const args = process.argv.slice(2);
appendFileSync('calls', args.join(' ') + '\\n');
if (args[0] === 'config') process.exit(readFileSync(args[3], 'utf8').startsWith('good') ? 0 : 2);
const plan = JSON.parse(readFileSync('plan.json', 'utf8'));
if (plan.hang === args[0]) {
  let signals = 0;
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, () => {
      signals += 1;
      appendFileSync('calls', signal + ' ' + signals + '\\n');
      setTimeout(() => process.exit(signal === 'SIGTERM' ? 143 : 130), 300);
    });
  appendFileSync('calls', 'ready\\n');
  setInterval(() => {}, 1000);
} else process.exit(plan.exit);
`;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'samovar-runner-'));
  for (const path of ['runner.sh', 'scripts/lib/setup.sh']) cpSync(path, join(folder, path));
  for (const path of ['pipeline', 'dist', 'config']) mkdirSync(join(folder, path));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const sources = [
    ...['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'],
    ...['pipeline/a.ts', 'scripts/bundle.ts'],
  ];
  for (const path of sources) {
    writeFileSync(join(folder, path), '');
    utimesSync(join(folder, path), 0, 0);
  }
  utimesSync(join(folder, 'pipeline'), 0, 0);
  for (const path of ['dist/.built', 'calls']) writeFileSync(join(folder, path), '');
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  writeFileSync(join(folder, 'dist/cli.js'), FAKE_CLI);
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  running = [];
  await rm(folder, { recursive: true });
});

const plan = (what: object) => writeFileSync(join(folder, 'plan.json'), JSON.stringify(what));
const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n');

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  // Started from elsewhere: the runner finds its own folder.
  const child = spawn(join(folder, 'runner.sh'), args, {
    cwd: tmpdir(),
    env: { ...process.env, SAMOVAR_BUCKETS: '', SAMOVAR_BUCKETS_URL: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const ended = new Promise<{ code: number | null; output: string }>((done) => {
    child.on('close', (code) => done({ code, output }));
  });
  return { child, ended, output: () => output };
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 200) throw new Error(`waited in vain; calls: ${calls().join(', ')}`);
    await sleep(50);
  }
}

describe('--once', () => {
  test.each([0, 1, 2])(
    'runs one cycle with the other arguments, writes a report, exits with its code %d',
    async (exit) => {
      plan({ exit });
      const { code } = await start(['--once', '--db', 'a b.db', '--threads=3', '--warehouse=duckdb:a']).ended;
      expect(code).toBe(exit);
      const all = '--db a b.db --threads=3 --warehouse=duckdb:a';
      const after = [
        `stream --if-configured --until-idle 2 ${all}`,
        // Only what says where things are: it has no other option of update's.
        'report --if-embedded --db a b.db --warehouse=duckdb:a',
      ];
      expect(calls()).toEqual([`update ${all}`, ...(exit === 2 ? [] : after)]);
    },
  );

  test('SAMOVAR_REPORT=no writes no report', async () => {
    plan({ exit: 0 });
    await start(['--once'], { SAMOVAR_REPORT: 'no' }).ended;
    expect(calls().map((call) => call.split(' ')[0])).toEqual(['update', 'stream']);
  });
});

describe('the loop', () => {
  test('goes on after good cycles, and ends when a file named stop appears', async () => {
    plan({ exit: 0 });
    const { ended } = start([], { SAMOVAR_PAUSE_SECONDS: '0' });
    await until(() => calls().length >= 3);
    writeFileSync(join(folder, 'stop'), '');
    const { code, output } = await ended;
    expect(code).toBe(0);
    expect(output).toContain('A file named stop');
  });

  test('a file named stop ends a stream cleanly, and that is no failure', async () => {
    plan({ hang: 'stream', exit: 0 });
    const { ended } = start([], { SAMOVAR_STOP_AT: '7' });
    await until(() => calls().includes('ready'));
    writeFileSync(join(folder, 'stop'), '');
    const { code } = await ended;
    expect(code).toBe(0);
    expect(calls()).toEqual(['update', 'stream --if-configured --stop_at 7', 'ready', 'SIGTERM 1']);
  });

  test('SAMOVAR_STREAM=no only runs cycles', async () => {
    plan({ exit: 0 });
    const { ended } = start([], { SAMOVAR_PAUSE_SECONDS: '0', SAMOVAR_STREAM: 'no' });
    await until(() => calls().length >= 2);
    writeFileSync(join(folder, 'stop'), '');
    await ended;
    expect(new Set(calls())).toEqual(new Set(['update']));
  });

  test('ends at once with exit 2 when the configuration is wrong', async () => {
    plan({ exit: 2 });
    expect(await start([]).ended).toMatchObject({ code: 2 });
    expect(calls()).toHaveLength(1);
  });

  test('waits a minute after a failed cycle, and can be stopped while it waits', async () => {
    plan({ exit: 1 });
    const { child, ended, output } = start([]);
    await until(() => output().includes('1 in a row: trying again in 1 min'));
    child.kill('SIGTERM');
    expect((await ended).code).toBe(143);
    expect(calls()).toEqual(['update', 'stream --if-configured --stop_at 1']);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('passes %s on once and waits for the clean end of the cycle', async (signal, exit) => {
    plan({ hang: 'update' });
    const { child, ended } = start([]);
    await until(() => calls().includes('ready'));
    child.kill(signal);
    expect((await ended).code).toBe(exit);
    expect(calls()).toEqual(['update', 'ready', `${signal} 1`]);
  });
});

test('an image has no sources: nothing is installed, built or written beside them', async () => {
  for (const path of [
    'pipeline',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/bundle.ts',
  ])
    await rm(join(folder, path), { recursive: true });
  plan({ exit: 0 });
  const { code, output } = await start(['--once']).ended;
  expect({ code, output }).toEqual({ code: 0, output: '' });
  expect(existsSync(join(folder, '.cache'))).toBe(false);
});

describe('the buckets file', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function serve(status: number, body: string): Promise<string> {
    const started = createServer((_, response) => response.writeHead(status).end(body));
    server = started;
    await new Promise<void>((done) => started.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(started.address() as AddressInfo).port}/buckets.yaml`;
  }
  const file = () => readFileSync(join(folder, 'config/buckets.yaml'), 'utf8');
  async function cycle(url: string) {
    writeFileSync(join(folder, 'config/buckets.yaml'), 'good: old\n');
    plan({ exit: 0 });
    const result = await start(['--once'], { SAMOVAR_BUCKETS_URL: url }).ended;
    expect(existsSync(join(folder, 'config/buckets.yaml.new'))).toBe(false);
    return result;
  }

  test('is replaced by a good download before the cycle', async () => {
    expect((await cycle(await serve(200, 'good: new\n'))).code).toBe(0);
    expect(file()).toBe('good: new\n');
    expect(calls().slice(0, 2)).toEqual(['config check --buckets config/buckets.yaml.new', 'update']);
  });

  test.each([
    [200, '<html>login</html>', 'is no good buckets file'],
    [404, 'not here', 'could not be fetched'],
  ])('stays when the server answers %d %s, and the cycle runs', async (status, body, said) => {
    const { code, output } = await cycle(await serve(status, body));
    expect(code).toBe(0);
    expect(output).toContain(said);
    expect(file()).toBe('good: old\n');
    expect(calls()).toContain('update');
  });
});
