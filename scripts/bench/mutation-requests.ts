import { join } from 'node:path';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { openGithub } from '../../pipeline/collect/sources/github/client.ts';
import { syncRepo } from '../../pipeline/jobs/mutation-sync.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { deedsIn } from '../../test/support/github-deeds.ts';
import { type GithubServer, startGithub } from '../../test/support/github-server.ts';

const COMMENTS_EACH = 4;
/** As in a busy repository: much closer, and what cursors overlap by would be most of what is asked. */
const DEED_EVERY_MS = 60_000;

export interface RequestFigures {
  readonly issues: number;
  readonly pulls: number;
  readonly comments: number;
  readonly firstSync: number;
  /** The same by what was asked. */
  readonly firstByKind: Readonly<Record<string, number>>;
  /** Nothing changed since. */
  readonly idleSync: number;
  readonly idleNotModified: number;
  readonly firstSyncS: number;
}

/** Requests of a first sync, and of one where nothing changed, against the fake GitHub: a third are pull requests with a review each. */
export async function benchRequests(folder: string, issues: number): Promise<RequestFigures> {
  const server = await startGithub();
  try {
    const pulls = fill(server, issues);
    const began = performance.now();
    await turn(server, folder);
    const firstSyncS = (performance.now() - began) / 1000;
    const first = server.requests.splice(0);
    server.world.nowMs += 600_000;
    await turn(server, folder);
    const idle = server.requests.splice(0);
    return {
      ...{ issues, pulls, comments: issues * COMMENTS_EACH, firstSync: first.length, firstSyncS },
      firstByKind: byKind(first),
      idleSync: idle.length,
      idleNotModified: idle.filter(({ status }) => status === 304).length,
    };
  } finally {
    await server.close();
  }
}

function fill({ world }: GithubServer, issues: number): number {
  const deeds = deedsIn(world, 'o/r', { stepMs: DEED_EVERY_MS });
  let pulls = 0;
  for (let n = 0; n < issues; n += 1) {
    const isPull = n % 3 === 0;
    const number = isPull ? deeds.pull() : deeds.issue();
    for (let comment = 0; comment < COMMENTS_EACH; comment += 1) deeds.comment(number, 'a comment');
    deeds.label(number, 'bug');
    if (!isPull) continue;
    deeds.review(number, 'APPROVED');
    pulls += 1;
  }
  return pulls;
}

async function turn(server: GithubServer, folder: string): Promise<void> {
  const nowMs = () => server.world.nowMs;
  const sleep = async (ms: number) => {
    server.world.nowMs += ms;
  };
  const github = await openGithub({
    ...{ endpoint: server.endpoint, tokens: ['one'], nowMs, sleep, retryBaseMs: 1, timeoutMs: 60_000 },
  });
  const store = openStore(join(folder, 'sync.db'), { nowMs });
  const bucket = openBucket(`file:${join(folder, 'sync-logs')}`, { timeoutMs: 60_000, connections: 2 });
  try {
    await syncRepo(
      {
        ...{ store, github, nowMs, overlapMs: 120_000, flushMs: 60_000, deletionGraceMs: 1_800_000 },
        reconcileMs: 86_400_000,
        openWriter: () => openLogWriter({ bucket, prefix: 'o/r/', folder: join(folder, 'wal'), nowMs }),
      },
      { owner: 'o', name: 'r' },
    );
  } finally {
    store.close();
    bucket.close();
  }
}

function byKind(requests: GithubServer['requests']): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { path } of requests) {
    const kind =
      path.replace(/^\/repos\/[^/]+\/[^/]+|^\/repositories\/\d+/, '').replace(/\/\d+/g, '/N') || '/';
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
