import pLimit from 'p-limit';
import { describeError, SamovarError } from '../errors.ts';
import type { LogPosition, LogSegment } from '../mutation-log/contract.ts';
import type { Timestamp } from '../records/mutation/types.ts';
import type { Corpus, CorpusRepo } from '../store/corpus-types.ts';
import type { RepositoryLag } from './mutation-lag.ts';

/** How much there is of a repository. Tombstones count among nothing else; what belongs to them does. */
export interface RepoStats {
  /** `owner/name` */
  readonly repository: string;
  /** `ok`, `renamed`, `gone`, `blocked`, `issues-disabled`. */
  readonly state: string;
  readonly renamedTo?: string;
  readonly issues: number;
  readonly openIssues: number;
  readonly pulls: number;
  readonly openPulls: number;
  readonly tombstones: number;
  readonly comments: number;
  readonly reviewComments: number;
  readonly reviews: number;
  readonly events: number;
  readonly labels: number;
  readonly milestones: number;
  /** Epoch seconds of the latest change of an issue; undefined: none tells a time. */
  readonly latestAt?: number;
  /** The log in its bucket; undefined: there is none. */
  readonly log?: LogStats;
  /** How far the warehouse's tables have it; undefined: no rows were made of it yet. */
  readonly warehouse?: Pick<RepositoryLag, 'unread' | 'tables'>;
  /** Why the log could not be looked at. */
  readonly logFailure?: string;
}

export interface LogStats {
  readonly segments: number;
  /** Headers included. */
  readonly bytes: number;
  /** Bytes that are not replayed into the database yet. */
  readonly bytesBehind: number;
}

export interface StatsRequest {
  readonly repos: readonly CorpusRepo[];
  readonly segments: (repo: CorpusRepo) => Promise<readonly LogSegment[]>;
  readonly lags?: readonly RepositoryLag[];
}

const LOGS_AT_ONCE = 8;

/** Counts of repositories, from indexes; each log is listed, not read. */
export async function repoStats({ repos, segments, lags = [] }: StatsRequest): Promise<readonly RepoStats[]> {
  const limit = pLimit(LOGS_AT_ONCE);
  return Promise.all(
    repos.map((repo) =>
      limit(async () => ({
        ...countsOf(repo),
        ...lagOf(repo, lags),
        ...(await logOf(await segmentsOf(repo, segments), repo.position())),
      })),
    ),
  );
}

/** Repositories by their names; all when there are none. Throws `config` for one that is not known. */
export function knownRepos(corpus: Corpus, names: readonly string[]): readonly CorpusRepo[] {
  const all = corpus.repos();
  if (names.length === 0) return all;
  return [...new Set(names)].map((name) => {
    const found = all.find((repo) => `${repo.owner}/${repo.name}` === name);
    if (found !== undefined) return found;
    throw new SamovarError('config', `nothing is known of a repository ${name}`, {
      subject: name,
      remedy: `Sync it, or replay its log: samovar mutation-log replay ${name}`,
    });
  });
}

function lagOf({ owner, name }: CorpusRepo, lags: readonly RepositoryLag[]): Pick<RepoStats, 'warehouse'> {
  const found = lags.find(({ repository }) => repository === `${owner}/${name}`);
  return found === undefined ? {} : { warehouse: { unread: found.unread, tables: found.tables } };
}

function countsOf(repo: CorpusRepo): Omit<RepoStats, 'log'> {
  const { issues, pulls, tombstones } = repo.counts();
  const { state, renamedTo } = repo.condition();
  const [latest] = repo.ordered({ by: 'updated', descending: true, limit: 1 });
  const latestAt = secondsOf(latest?.updated ?? latest?.created);
  return {
    repository: `${repo.owner}/${repo.name}`,
    state,
    ...(renamedTo !== undefined && { renamedTo }),
    issues,
    openIssues: repo.count({ closed: false, pullRequest: false }),
    pulls,
    openPulls: repo.count({ closed: false, pullRequest: true }),
    tombstones,
    ...repo.partCounts(),
    labels: repo.labels().length,
    milestones: repo.milestones().length,
    ...(latestAt !== undefined && { latestAt }),
  };
}

function secondsOf(time: Timestamp | undefined): number | undefined {
  return time === undefined || time.seconds <= 0 ? undefined : time.seconds;
}

async function segmentsOf(
  repo: CorpusRepo,
  segments: StatsRequest['segments'],
): Promise<readonly LogSegment[] | string> {
  try {
    return await segments(repo);
  } catch (error) {
    // A folder that nobody has made yet.
    if (error instanceof SamovarError && error.code === 'missing') return [];
    return describeError(error);
  }
}

async function logOf(
  segments: readonly LogSegment[] | string,
  position: LogPosition | undefined,
): Promise<Pick<RepoStats, 'log' | 'logFailure'>> {
  if (typeof segments === 'string') return { logFailure: segments };
  if (segments.length === 0) return {};
  const bytes = segments.reduce((sum, { size }) => sum + size, 0);
  const bytesBehind = segments.reduce((sum, { number, size }) => {
    if (position === undefined || number > position.segment) return sum + size;
    return number === position.segment ? sum + Math.max(0, size - position.offset) : sum;
  }, 0);
  return { log: { segments: segments.length, bytes, bytesBehind } };
}
