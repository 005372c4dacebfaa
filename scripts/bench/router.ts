import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions } from './options.ts';
import { WORKER_SCRIPT } from './router-worker.ts';
import { CLI, samovarProblems } from './samovar.ts';
import { median, short } from './statistics.ts';

const RATE = 1_000;
const SECONDS = 5;
const ROUNDS_MIN = 3;

export interface RouterRun {
  readonly through: 'direct' | 'router';
  readonly calls: number;
  readonly failed: number;
  /** Calls that were answered, per second. */
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the router's process, for one call. */
  readonly cpuMs: number | undefined;
  /** Of the machine, for the last minute. */
  readonly load: number;
}

export interface RouterResult {
  readonly bench: 'router';
  readonly ratePlanned: number;
  readonly runs: readonly RouterRun[];
}

/** GetIssue of 2 kB at a constant rate over loopback, straight from a worker and through `samovar k8s router`, in turns; each in a process of its own. */
export async function benchRouter(
  { repeat, log }: Pick<BenchOptions, 'repeat' | 'log'>,
  rate = RATE,
): Promise<RouterResult> {
  const [problem] = samovarProblems();
  if (problem !== undefined) throw new Error(problem);
  const folder = mkdtempSync(join(tmpdir(), 'samovar-router-'));
  const worker = fork(WORKER_SCRIPT, { execArgv: ['--import', 'tsx'] });
  const children: ChildProcess[] = [worker];
  try {
    const [direct] = (await once(worker, 'message')) as [string];
    const router = startRouter(folder, direct);
    children.push(router);
    const through = await addressOf(router);
    for (const address of [direct, through]) await load(address, rate, 3);
    const runs: RouterRun[] = [];
    for (let round = 0; round < Math.max(ROUNDS_MIN, repeat); round += 1) {
      log(`router: round ${round + 1}`);
      runs.push({ through: 'direct', ...(await load(direct, rate, SECONDS)), cpuMs: undefined });
      const beforeMs = cpuMsOf(router);
      const run = await load(through, rate, SECONDS);
      runs.push({ through: 'router', ...run, cpuMs: (cpuMsOf(router) - beforeMs) / run.calls });
    }
    return { bench: 'router', ratePlanned: rate, runs };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

function startRouter(folder: string, worker: string): ChildProcess {
  const list = join(folder, 'list.json');
  writeFileSync(list, '{"repos":[{"repo":"o/r","is_tracking_issues":true}]}');
  const args = [
    'k8s',
    'router',
    '--repos',
    list,
    '--grpc',
    '0',
    '--http',
    '0',
    '--worker-at',
    `o/r=${worker}`,
  ];
  return spawn(process.execPath, [CLI, ...args], {
    cwd: folder,
    env: { ...process.env, SAMOVAR_LOG_FORMAT: 'json' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

function addressOf(router: ChildProcess): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    router.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
      const [, address] = /"grpc":"([^"]+)"/.exec(said) ?? [];
      if (address !== undefined) resolve(address);
    });
    router.once('exit', () => reject(new Error(`samovar k8s router ended: ${said}`)));
  });
}

/** Of the kernel: in hundredths of a second. NaN where there is no /proc. */
function cpuMsOf({ pid = 0 }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}

/** Sends when it is time, whatever is still under way, and counts from the moment it was time: who is slow does not slow the next. */
async function load(address: string, rate: number, seconds: number) {
  const session = connect(`http://${address}`);
  const tookMs: number[] = [];
  const calls = rate * seconds;
  const open: Promise<boolean>[] = [];
  const beganMs = performance.now();
  while (open.length < calls) {
    const due = Math.min(calls, Math.floor(((performance.now() - beganMs) * rate) / 1_000));
    while (open.length < due) {
      const intendedMs = beganMs + (open.length * 1_000) / rate;
      open.push(call(session).finally(() => tookMs.push(performance.now() - intendedMs)));
    }
    await sleep(1);
  }
  const good = (await Promise.all(open)).filter(Boolean).length;
  const tookAllMs = performance.now() - beganMs;
  session.close();
  tookMs.sort((a, b) => a - b);
  return {
    ...{ calls, failed: calls - good, rate: (good * 1_000) / tookAllMs },
    ...{ p50Ms: tookMs[Math.floor(calls * 0.5)] ?? NaN, p99Ms: tookMs[Math.floor(calls * 0.99)] ?? NaN },
    load: loadavg()[0] ?? NaN,
  };
}

const NAME = 'o/r/issues/1';
/** drghs.v1.GetIssueRequest, in gRPC's frame. */
const REQUEST = Buffer.from([0, 0, 0, 0, NAME.length + 2, 0x0a, NAME.length, ...Buffer.from(NAME)]);
const HEADERS = {
  ':method': 'POST',
  ':path': '/drghs.v1.IssueService/GetIssue',
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** Whether it was answered. Without a gRPC library: a client costs as little as it can, on the cores that router and worker need. */
function call(session: ClientHttp2Session): Promise<boolean> {
  return new Promise((resolve) => {
    const stream = session.request(HEADERS);
    let status: unknown;
    stream.on('trailers', (trailers) => {
      status = trailers['grpc-status'];
    });
    stream.on('error', () => undefined);
    stream.on('close', () => resolve(status === '0'));
    stream.resume().end(REQUEST);
  });
}

export function routerText({ ratePlanned, runs }: RouterResult): string {
  const lines = runs.map(
    ({ through, rate, failed, p50Ms, p99Ms, cpuMs, load }) =>
      `| ${through} | ${short(rate)} | ${failed} | ${short(p50Ms)} | ${short(p99Ms)} | ${short(cpuMs)} | ${short(load)} |`,
  );
  const of = (through: RouterRun['through'], figure: 'p50Ms' | 'p99Ms') =>
    median(runs.filter((run) => run.through === through).map((run) => run[figure]));
  const over = (figure: 'p50Ms' | 'p99Ms') => short(of('router', figure) - of('direct', figure));
  return [
    `router: GetIssue at ${ratePlanned}/s`,
    '| way | calls/s | failed | p50 ms | p99 ms | CPU ms of the router | load |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
    `medians, router over direct: p50 ${over('p50Ms')} ms, p99 ${over('p99Ms')} ms`,
  ].join('\n');
}
