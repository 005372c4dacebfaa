import pLimit from 'p-limit';
import { describeError } from '../errors.ts';
import type { LogCallOptions, LogRecord, LogSource } from '../mutation-log/contract.ts';
import type { RepoName } from './mutation-copy-names.ts';
import { type Destination, type Filled, type Filling, startFilling } from './mutation-migrate-destination.ts';
import { ownersOf } from './mutation-migrate-match.ts';

export interface MigrateRequest {
  readonly source: LogSource;
  readonly repos: readonly RepoName[];
  readonly destination: (repo: RepoName) => Destination;
  /** Git and Gerrit mutations go to every repository, as maintmigrate had it; else nowhere. */
  readonly keepGit: boolean;
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: MigrateProgress) => void;
}

export interface MigrateProgress {
  /** Read from the source. */
  readonly records: number;
  readonly bytes: number;
  /** To read, for all passes. */
  readonly bytesTotal: number;
}

export type MigratedRepo = { readonly repository: string; readonly to: string } & (
  | Filled
  | { readonly failure: string }
);

export interface Migrated {
  readonly from: string;
  readonly records: number;
  /** Headers included. */
  readonly bytes: number;
  /** Git and Gerrit mutations. */
  readonly git: number;
  /** Of repositories that were not asked for, or of none. */
  readonly others: number;
  readonly repositories: readonly MigratedRepo[];
}

/** Writers open at once: more repositories take the source once more. */
const REPOS_PER_PASS = 200;
/** Of one repository: what waits of all is REPOS_PER_PASS times that. */
const WAITING_BYTES_MAX = 2 ** 18;
const DESTINATIONS_READ_AT_ONCE = 4;

interface Target {
  readonly repository: string;
  readonly to: string;
  readonly filling: Filling | undefined;
  failure: string | undefined;
}

/**
 * Writes what a log has of each repository into a log of its own; payloads are copied as they are. Memory does not grow with either.
 * A log that has the beginning of its records, or all, is gone on with: a second run adds nothing. One that has others is not touched,
 * and its repository fails alone. Throws what reading the source throws; what was written until then is recognised by the next run.
 */
export async function migrateLog(request: MigrateRequest): Promise<Migrated> {
  const call = request.signal === undefined ? {} : { signal: request.signal };
  const segments = await request.source.segments(call);
  const passes = passesOf(request.repos);
  const total = passes.length * segments.reduce((sum, { size }) => sum + size, 0);
  const done = { records: 0, bytes: 0 };
  const told = (record: LogRecord) => {
    done.records += 1;
    done.bytes += record.end - record.offset;
    if (done.records % 1000 === 0) request.onProgress?.({ ...done, bytesTotal: total });
  };
  const results = [];
  for (const repos of passes) results.push(await onePass(request, repos, call, told));
  request.onProgress?.({ ...done, bytesTotal: total });
  const [first] = results;
  const repositories = results.flatMap((result) => result.repositories);
  const matched = results.reduce((sum, result) => sum + result.matched, 0);
  const { records = 0, bytes = 0, git = 0 } = first ?? {};
  return { from: request.source.url, records, bytes, git, others: records - git - matched, repositories };
}

function passesOf(repos: readonly RepoName[]): readonly (readonly RepoName[])[] {
  return Array.from({ length: Math.ceil(repos.length / REPOS_PER_PASS) }, (_, at) =>
    repos.slice(at * REPOS_PER_PASS, (at + 1) * REPOS_PER_PASS),
  );
}

async function onePass(
  request: MigrateRequest,
  repos: readonly RepoName[],
  call: LogCallOptions,
  told: (record: LogRecord) => void,
) {
  const targets = await openTargets(request, repos, call);
  const counts = { records: 0, bytes: 0, git: 0, matched: 0 };
  try {
    for await (const record of request.source.read(call)) {
      request.signal?.throwIfAborted();
      counts.records += 1;
      counts.bytes += record.end - record.offset;
      told(record);
      const whose = ownersOf(record);
      const isGit = whose === 'git';
      const own = isGit ? (request.keepGit ? [...targets.values()] : []) : matching(targets, whose);
      if (isGit) counts.git += 1;
      else if (own.length > 0) counts.matched += 1;
      for (const target of own) await give(target, record.payload);
    }
  } catch (error) {
    for (const { filling } of targets.values()) await filling?.abandon().catch(() => undefined);
    throw error;
  }
  const repositories: MigratedRepo[] = [];
  for (const target of targets.values()) repositories.push(await resultOf(target));
  return { ...counts, repositories };
}

async function openTargets(
  { destination, dryRun }: MigrateRequest,
  repos: readonly RepoName[],
  call: LogCallOptions,
): Promise<ReadonlyMap<string, Target>> {
  const limit = pLimit(DESTINATIONS_READ_AT_ONCE);
  const opened = repos.map((repo) =>
    limit(async (): Promise<Target> => {
      const repository = `${repo.owner}/${repo.name}`;
      const to = destination(repo);
      const common = { repository, to: to.log.url };
      try {
        return { ...common, filling: await startFilling(to, { dryRun, call }), failure: undefined };
      } catch (error) {
        return { ...common, filling: undefined, failure: describeError(error) };
      }
    }),
  );
  return new Map((await Promise.all(opened)).map((target) => [target.repository, target]));
}

function matching(targets: ReadonlyMap<string, Target>, names: readonly string[]): readonly Target[] {
  return names.flatMap((name) => targets.get(name) ?? []);
}

async function give(target: Target, payload: Uint8Array): Promise<void> {
  await alone(target, async (filling) => {
    filling.take(payload);
    if (filling.waiting() > WAITING_BYTES_MAX) await filling.drain();
  });
}

/** What goes wrong with one destination is told with it, and the others go on. */
async function alone<T>(target: Target, work: (filling: Filling) => Promise<T>): Promise<T | undefined> {
  if (target.failure !== undefined || target.filling === undefined) return undefined;
  try {
    return await work(target.filling);
  } catch (error) {
    target.failure = describeError(error);
    await target.filling.abandon().catch(() => undefined);
    return undefined;
  }
}

async function resultOf(target: Target): Promise<MigratedRepo> {
  const { repository, to } = target;
  const filled = await alone(target, (filling) => filling.finish());
  return { repository, to, ...(filled ?? { failure: target.failure ?? '' }) };
}
