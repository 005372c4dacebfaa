import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { request } from 'undici';
import { openCache } from '../../pipeline/cache/open.ts';
import type { CacheParts } from '../../pipeline/cache/parts.ts';
import { workOnce } from '../../pipeline/cache/worker.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { benchProviders, type CacheCorpus, PER_PACKAGE, userNames } from './cache-corpus.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, machine, type Run } from './report.ts';

const CLIENTS = 100;
const POLL_MS = 1_000;
const SECONDS = 20;
/** Refreshes with a new value, a second, while clients poll. */
const CHANGES_PER_S = 5;

/** Fills a cache of `--packages` packages, then has 100 clients poll users with 500 packages each, at rest and while values change. */
export async function benchCache(options: BenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'samovar-cache-bench-'));
  const corpus: CacheCorpus = {
    packages: options.packages,
    seed: options.seed,
    users: 10,
    packagesPerUser: 500,
  };
  try {
    const file = join(folder, 'cache.db');
    const filled = await fill(file, corpus, options.log);
    const bare = bareUpserts(join(folder, 'bare.db'), file);
    const served = await serve(file, corpus, options.log);
    return {
      bench: 'cache',
      options: { ...corpus, clients: CLIENTS, pollMs: POLL_MS },
      machine: machine(),
      runs: [filled, bare],
      notes: [
        `database: ${mb(statSync(file).size)} for ${corpus.packages * (PER_PACKAGE.length + 1)} entries`,
        ...served,
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

function partsOf(
  file: string,
  corpus: CacheCorpus,
  round: () => number,
): CacheParts & { readonly close: () => void } {
  const nowMs = () => Date.now();
  const store = openStore(file, { nowMs });
  return {
    store,
    providers: benchProviders(corpus, round),
    hosts: { standard: { concurrency: 4, gapMs: 0, failuresMax: 5, openMs: 60_000 }, hosts: {} },
    nowMs,
    seenMs: 14 * 86_400_000,
    close: () => store.close(),
  };
}

const HTTP = {
  getJson: () => Promise.reject(new Error('the bench has no upstream')),
  getText: () => Promise.reject(new Error('the bench has no upstream')),
};

function workerOf(parts: CacheParts) {
  const signal = new AbortController().signal;
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  return { ...parts, http: HTTP, name: 'bench', concurrency: 64, sleep, random: Math.random, signal };
}

/** Every entry by a refresh of its own, as a worker does it. */
async function fill(file: string, corpus: CacheCorpus, log: (text: string) => void): Promise<Run> {
  const parts = partsOf(file, corpus, () => 0);
  const cache = openCache(parts);
  const began = performance.now();
  const cpu = process.cpuUsage();
  for (const { name, kind } of parts.providers) if (kind === 'single') cache.want(name, '', 'manual');
  await workOnce(workerOf(parts));
  const names = JSON.parse(cache.read('all_fedora_packages', '').json ?? '[]') as string[];
  for (const name of PER_PACKAGE) cache.wantMany(name, names, 'manual');
  for (const { name, kind } of parts.providers) if (kind === 'derived') cache.want(name, '', 'manual');
  await workOnce(workerOf(parts));
  const { user, system } = process.cpuUsage(cpu);
  const wallS = (performance.now() - began) / 1000;
  parts.close();
  log(`filled in ${wallS.toFixed(1)} s`);
  return {
    work: 'fill',
    side: 'samovar',
    wallS,
    cpuS: (user + system) / 1e6,
    rssBytes: process.memoryUsage.rss(),
    rows: corpus.packages * (PER_PACKAGE.length + 1),
    dbBytes: statSync(file).size,
  };
}

/** The same values by one upsert and one transaction each: what SQLite alone takes. */
function bareUpserts(bare: string, filled: string): Run {
  const source = new Database(filled, { readonly: true });
  const db = new Database(bare);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.exec(
    'CREATE TABLE entry(provider TEXT, key TEXT, value TEXT, hash TEXT, at INTEGER, PRIMARY KEY(provider, key)) STRICT',
  );
  const put = db.prepare('INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)');
  const entries = source
    .prepare<[], { provider: string; key: string }>('SELECT provider, key FROM cache_entry')
    .all();
  const value = JSON.stringify(Array.from({ length: 3 }, () => ({ title: 'x'.repeat(180) })));
  const began = performance.now();
  const cpu = process.cpuUsage();
  for (const { provider, key } of entries) put.run(provider, key, value, 'h', 1);
  const { user, system } = process.cpuUsage(cpu);
  const wallS = (performance.now() - began) / 1000;
  db.close();
  source.close();
  return { work: 'fill', side: 'one upsert each', wallS, cpuS: (user + system) / 1e6, rows: entries.length };
}

async function serve(
  file: string,
  corpus: CacheCorpus,
  log: (text: string) => void,
): Promise<readonly string[]> {
  const child = spawn(
    process.execPath,
    [...process.execArgv, join(import.meta.dirname, 'cache-server.ts'), file, JSON.stringify(corpus)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const url = line.toString().trim();
    const pid = child.pid ?? 0;
    const notes: string[] = [];
    await poll(url, corpus, 3, false);
    const before = rssOf(pid);
    for (const [what, conditional, changes] of [
      ['at rest, every answer whole', false, 0],
      ['at rest, with ETags', true, 0],
      [`while ${CHANGES_PER_S} values change a second, with ETags`, true, CHANGES_PER_S],
    ] as const) {
      const stop = changes === 0 ? () => undefined : change(file, corpus, changes);
      const figures = await poll(url, corpus, SECONDS, conditional);
      stop();
      notes.push(`${what}: ${figures}`);
      log(notes.at(-1) ?? '');
    }
    notes.push(
      `server's RSS: ${mb(before)} before, ${mb(rssOf(pid))} after, ${mb(rssOf(pid, 'VmHWM'))} at most`,
    );
    return notes;
  } finally {
    child.stdin.end();
    await once(child, 'exit');
  }
}

function rssOf(pid: number, field = 'VmRSS'): number {
  const [, kb = '0'] =
    new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb) * 1024;
}

/** Commits new values from this process, as a worker would from its own. */
function change(file: string, corpus: CacheCorpus, perSecond: number): () => void {
  let round = 0;
  const parts = partsOf(file, corpus, () => round);
  const cache = openCache(parts);
  const names = userNames(corpus).flatMap(
    (user) =>
      (JSON.parse(cache.read('user_packages', user).json ?? '{}') as { commit?: string[] }).commit ?? [],
  );
  let busy = Promise.resolve(0);
  const timer = setInterval(() => {
    round += 1;
    cache.want('package_bugs', names[(round * 7919) % names.length] ?? '', 'manual');
    busy = busy.then(() => workOnce(workerOf(parts)));
  }, 1000 / perSecond);
  return () => {
    clearInterval(timer);
    void busy.then(() => parts.close());
  };
}

/** 100 clients, each asking once a second for one of the users. */
async function poll(
  url: string,
  corpus: CacheCorpus,
  seconds: number,
  conditional: boolean,
): Promise<string> {
  const times: number[] = [];
  const statuses = new Map<number, number>();
  let bytes = 0;
  const endMs = Date.now() + seconds * 1000;
  const users = userNames(corpus);
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      await new Promise((resolve) => setTimeout(resolve, (client * POLL_MS) / CLIENTS));
      const path = `${url}/api/v2/packager_dashboard?users=${users[client % users.length]}`;
      let etag: string | undefined;
      while (Date.now() < endMs) {
        const began = performance.now();
        const answer = await request(path, {
          headers: conditional && etag !== undefined ? { 'if-none-match': etag } : {},
        });
        bytes += (await answer.body.arrayBuffer()).byteLength;
        times.push(performance.now() - began);
        statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
        etag = String(answer.headers.etag ?? '');
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }),
  );
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1);
  const counts = [...statuses].map(([status, count]) => `${count} of ${status}`).join(', ');
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${counts}, ${mb(bytes / Math.max(1, times.length))} each on average`;
}
