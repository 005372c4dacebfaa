import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Random, randomFor } from '../../pipeline/demo/random.ts';
import type { ProxyChoice, ProxyFault } from '../support/fault-proxy.ts';
import { type FaultPubSub, type FaultSubscription, startFaultPubSub } from '../support/fault-pubsub.ts';
import { type GcsServer, startGcsServer } from '../support/gcs-server.ts';
import type { Case, Section, Verdict } from './case.ts';
import type { Child, ChildRun } from './child.ts';
import { comparePaths } from './compare.ts';
import { type CorpusBuild, expectedPaths, manyBuilds, writeBuild } from './corpus.ts';
import { endOf, recoverAndJudge } from './recover.ts';
import { BIGQUERY_URL, GS_URL, type GsWorld, gcsBucket, openGsWorld } from './scenarios/gs-bigquery.ts';
import { STREAM_ENV, streamArgs } from './scenarios/stream.ts';
import { readAppended, readTables } from './warehouse-rows.ts';
import { type Bench, runIn, startIn, type TableRows, type World } from './world.ts';

const BOUND_MS = 240_000;
const WAVES = 24;
/** Of the waves: with kills; the others come while one process lives. */
const KILLED_WAVES = 16;
const FAULT_SHARE = 0.03;
const LIVES_MAX = 5;
const SAMPLE_MS = 200;
/** The second half of a life may hold so much more than the first. */
const GROWTH_MAX = 1.25;
const GROWTH_KIB = 30_000;
const TABLES_YAML = `day:
  days: 1
  replace_after_days: 1.9
week:
  days: 7
  writer: insert-all
all:
  days: 0
  writer: storage-write
`;

const FAULTS: readonly ProxyFault[] = [
  { kind: 'latency', ms: 100 },
  { kind: 'reset' },
  { kind: 'lost-answer' },
  { kind: 'reset-body' },
  { kind: 'short-body' },
  { kind: 'truncated-json' },
  { kind: 'html', status: 502 },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
];

/** Many builds, a stream and batch runs at once, faults and kills at random: in the end everything is in, once. */
export function soakSection(bench: Bench): Section {
  return {
    name: 'soak',
    open: async () => ({ cases: [soakCase(bench)], close: async () => undefined }),
  };
}

function soakCase(bench: Bench): Case {
  const { soak, seed } = bench.options;
  return {
    fault: 'faults and SIGKILLs at random',
    stage: `soak: ${soak} builds, stream and update at once`,
    label: `${soak} builds`,
    replay: `--only soak --soak ${soak}`,
    run: async () => {
      const gcs = await startGcsServer();
      const pubsub = await startFaultPubSub();
      const world = await openSoakWorld(bench, gcs, pubsub);
      try {
        return await soakIn({
          bench,
          gcs,
          world,
          random: randomFor(seed, 'soak'),
          builds: manyBuilds(bench.nowMs, soak),
        });
      } finally {
        await world.close();
        await pubsub.stop();
        await gcs.close();
        bench.dropFolder(world.folder, false);
      }
    },
  };
}

interface SoakWorld extends GsWorld {
  readonly subscription: FaultSubscription;
}

async function openSoakWorld(bench: Bench, gcs: GcsServer, pubsub: FaultPubSub): Promise<SoakWorld> {
  // The bucket exists before anything is in it.
  gcsBucket(gcs).put('logs/readme.txt', '');
  const world = await openGsWorld(bench, gcs);
  const { bigquery } = world;
  const subscription = pubsub.subscribe();
  writeFileSync(join(world.folder, 'tables.yaml'), TABLES_YAML);
  const endpoints = { endpoint: bigquery.endpoint, storageWriteEndpoint: bigquery.storageWriteEndpoint };
  return {
    ...world,
    subscription,
    env: {
      ...world.env,
      ...STREAM_ENV,
      SAMOVAR_PUBSUB_ENDPOINT: pubsub.endpoint,
      SAMOVAR_STORAGE_WRITE_ENDPOINT: bigquery.storageWriteEndpoint,
      SAMOVAR_REQUEST_TIMEOUT_SECONDS: '10',
      SAMOVAR_FAULT_HURRY: '0.1',
    },
    rows: async () =>
      new Map([
        ...(await readTables(BIGQUERY_URL, ['day'], endpoints)),
        ...(await readAppended(BIGQUERY_URL, ['week'], endpoints, false)),
        ...(await readAppended(BIGQUERY_URL, ['all'], endpoints, true)),
      ]),
    unfinished: () => subscription.left().length > 0,
    problems: () => subscription.left().map((object) => `${object}: its message was never acknowledged`),
  };
}

interface Soak {
  readonly bench: Bench;
  readonly gcs: GcsServer;
  readonly world: SoakWorld;
  readonly random: Random;
  readonly builds: readonly CorpusBuild[];
}

async function soakIn(soak: Soak): Promise<Verdict> {
  const { bench, gcs, world, builds } = soak;
  misbehave(soak);
  const killed = await amongKills(soak);
  const alive = await oneLife(soak);
  const faults = world.proxies.gcs.injected() + world.proxies.bigquery.injected();
  behave(world);
  const again: World = { ...world, args: streamArgs(world, 2, world.subscription.path) };
  const injected = faults + killed.kills;
  const wanted = await wantedRows(bench, gcs, builds);
  const verdict = await recoverAndJudge(bench, again, {
    boundMs: BOUND_MS,
    wanted,
    injected,
    before: alive.run,
  });
  const memory = memoryOf(alive.run);
  return {
    ...verdict,
    problems: [...verdict.problems, ...killed.problems, ...alive.problems, ...memory.problems],
    note: `the longest life ended after ${Math.round(alive.run.ms / 1000)} s with ${endOf(alive.run)}`,
    remark: `soak: ${builds.length} builds, ${killed.kills} kills, ${faults} faults; ${memory.text}`,
  };
}

function misbehave({ world, random }: Soak): void {
  const choice: ProxyChoice = () =>
    random.next() < FAULT_SHARE ? FAULTS[random.below(FAULTS.length)] : undefined;
  world.proxies.gcs.choose(choice);
  world.proxies.bigquery.choose(choice);
}

function behave({ proxies, bigquery, subscription }: SoakWorld): void {
  proxies.gcs.choose(undefined);
  proxies.bigquery.choose(undefined);
  Object.assign(bigquery.storageWrite.faults, { lostAppends: 0, resetAppends: 0, unavailable: 0 });
  Object.assign(subscription.faults, { lostAcks: 0, refusedAcks: 0 });
}

function waveOf({ builds }: Soak, wave: number): readonly CorpusBuild[] {
  const size = Math.ceil(builds.length / WAVES);
  return builds.slice(wave * size, (wave + 1) * size);
}

/** Builds appear in the bucket and are told of, some twice; among them faults of the servers that count down. */
function tell(soak: Soak, wave: number): void {
  const { bench, gcs, world, random } = soak;
  const bucket = GS_URL.slice('gs://'.length);
  const prow = gcsBucket(gcs);
  for (const build of waveOf(soak, wave)) {
    writeBuild(prow, build, bench.nowMs);
    const object = `${build.folder}/finished.json`;
    const notice = { bucket, object, generation: gcs.get(`${bucket}/${object}`)?.generation ?? '1' };
    world.subscription.publish({ ...notice, object: `${build.folder}/started.json` });
    world.subscription.publish(notice);
    if (random.next() < 0.1) world.subscription.publish(notice);
  }
  // One at a time: each costs a pause that grows with the number of them in a row.
  const { faults } = world.bigquery.storageWrite;
  Object.assign(faults, { lostAppends: 0, resetAppends: 0, unavailable: 0 });
  const writes = ['lostAppends', 'resetAppends', 'unavailable'] as const;
  const next = writes[random.below(writes.length * 2)];
  if (next !== undefined) faults[next] = 1;
  const acks = ['lostAcks', 'refusedAcks'] as const;
  world.subscription.faults[acks[random.below(acks.length)] ?? 'lostAcks'] = 1;
}

/** Processes come and go while builds come: most of them are killed. */
async function amongKills(
  soak: Soak,
): Promise<{ readonly kills: number; readonly problems: readonly string[] }> {
  const { random } = soak;
  const problems: string[] = [];
  let kills = 0;
  for (let wave = 0; wave < KILLED_WAVES; wave += 1) {
    tell(soak, wave);
    const stream = startStream(soak);
    const other = random.next() < 0.4 ? startUpdate(soak) : undefined;
    const fate = random.next();
    await sleep(1_000 + random.below(3_000));
    if (fate < 0.7) stream.process.kill('SIGKILL');
    else stream.process.kill('SIGTERM');
    const runs = [await stream.ended, ...(other === undefined ? [] : [await other.ended])];
    kills += runs.filter(({ signal, late }) => signal === 'SIGKILL' && !late).length;
    problems.push(
      ...runs.filter(({ late }) => late).map((run) => `a run did not end by itself: ${endOf(run)}`),
    );
  }
  return { kills, problems };
}

function startStream({ bench, world }: Soak, idleSeconds = 60, sampleMs?: number): Child {
  const args = streamArgs(world, idleSeconds, world.subscription.path);
  return startIn(bench, { ...world, args }, BOUND_MS, sampleMs === undefined ? {} : { sampleMs });
}

/** Beside a stream: it waits its turn, or says who holds the database. */
function startUpdate({ bench, world }: Soak): Child {
  return startIn(bench, { ...world, args: [...world.args, '--wait', '2'] }, BOUND_MS);
}

/** All the rest of the builds, the same faults, no kills: the longest life of a process is looked at. */
async function oneLife(
  soak: Soak,
): Promise<{ readonly run: ChildRun; readonly problems: readonly string[] }> {
  const runs: ChildRun[] = [];
  let child = startStream(soak, 4, SAMPLE_MS);
  const again = async () => {
    runs.push(await child.ended);
    child = startStream(soak, 4, SAMPLE_MS);
  };
  for (let wave = KILLED_WAVES; wave < WAVES; wave += 1) {
    // A fault in its first moments ends a process; whoever runs it starts it again.
    if (child.process.exitCode !== null) await again();
    tell(soak, wave);
    await sleep(500);
  }
  for (let lives = 1; (await child.ended).code !== 0 && lives < LIVES_MAX; lives += 1) await again();
  runs.push(await child.ended);
  const [run] = [...runs].sort((a, b) => b.ms - a.ms);
  if (run === undefined) throw new Error('no process lived');
  return { run, problems: runs.some(({ late }) => late) ? ['a stream did not end by itself'] : [] };
}

/** Of a process that has taken up its work: the second half of its life beside the first. */
function memoryOf({ rssKib }: ChildRun): { readonly text: string; readonly problems: readonly string[] } {
  const warm = rssKib.slice(Math.floor(rssKib.length / 4));
  const mean = (part: readonly number[]) =>
    part.reduce((sum, kib) => sum + kib, 0) / Math.max(1, part.length);
  const middle = Math.floor(warm.length / 2);
  const [first, second] = [mean(warm.slice(0, middle)), mean(warm.slice(middle))];
  const mib = (kib: number) => Math.round(kib / 1024);
  const text = `memory ${mib(first)} MiB in the first half of a life, ${mib(second)} MiB in the second (${warm.length} samples)`;
  return { text, problems: second > first * GROWTH_MAX + GROWTH_KIB ? [`memory grows: ${text}`] : [] };
}

/** What a run without any fault makes of the same bucket, held against what must be. */
async function wantedRows(bench: Bench, gcs: GcsServer, builds: readonly CorpusBuild[]): Promise<TableRows> {
  const world = await openGsWorld(bench, gcs);
  try {
    const run = await runIn(bench, world, BOUND_MS);
    const rows = await world.rows();
    const truth = comparePaths(rows, expectedPaths(builds, GS_URL));
    if (run.code !== 0 || truth.paths.length > 0)
      throw new Error(`wrong without any fault: ${truth.paths.slice(0, 5).join(', ')}\n${run.stderr}`);
    return rows;
  } finally {
    await world.close();
    bench.dropFolder(world.folder, false);
  }
}
