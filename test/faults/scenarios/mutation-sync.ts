import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openBucket } from '../../../pipeline/backends/bucket/index.ts';
import { replayLog } from '../../../pipeline/jobs/mutation-replay.ts';
import { openBucketLog } from '../../../pipeline/mutation-log/bucket-log.ts';
import type { CorpusRepo } from '../../../pipeline/store/corpus-types.ts';
import { openStore } from '../../../pipeline/store/open.ts';
import { deedsIn } from '../../support/github-deeds.ts';
import { type GithubServer, startGithub } from '../../support/github-server.ts';
import type { FoundRow, Scenario, TableRows, World } from '../world.ts';

const RUN_BOUND_MS = 60_000;
const DAY_MS = 86_400_000;
const PLACE = { owner: 'o', name: 'r' };
const ISSUES = 9;

/** A repository of GitHub's into its log: what the log adds up to must be what GitHub says, and the database must say the same. */
export const syncGithub: Scenario = {
  name: 'mutation-log sync GitHub -> file',
  prepare: async (bench) => {
    const github = await startGithub({ nowMs: bench.nowMs - DAY_MS });
    fill(github);
    let worlds = 0;
    return {
      expected: new Map([['log', Array.from({ length: ISSUES }, (_, at) => `issue ${at + 1}`)]]),
      boundMs: RUN_BOUND_MS,
      open: async (): Promise<World> => {
        worlds += 1;
        return openWorld(bench.newFolder('world'), github, `token-${worlds}`);
      },
      close: () => github.close(),
    };
  },
};

function fill(github: GithubServer): void {
  const deeds = deedsIn(github.world, `${PLACE.owner}/${PLACE.name}`);
  for (let at = 0; at < ISSUES; at += 1) {
    const said = { title: `title ${at}`, body: `body ${at}`, labels: at % 2 === 0 ? ['bug'] : ['feature'] };
    const number = at % 3 === 0 ? deeds.pull(said) : deeds.issue(said);
    deeds.comment(number, `comment ${at}`);
    if (at % 3 === 0) deeds.reviewComment(number, deeds.review(number, 'APPROVED', 'good'), 'here');
    if (at % 4 === 0) deeds.close(number);
    if (at % 5 === 0) deeds.milestone(number, 'v1');
  }
  // Beyond the overlap of a cursor: nothing is looked at again for its age.
  github.world.nowMs += DAY_MS / 2;
}

function openWorld(folder: string, github: GithubServer, token: string): World {
  const db = join(folder, 'mutation-log.db');
  return {
    folder,
    db,
    args: ['mutation-log', 'sync', `${PLACE.owner}/${PLACE.name}`, '--once', '--json', '--db', db],
    env: {
      SAMOVAR_GITHUB_ENDPOINT: github.endpoint,
      SAMOVAR_GITHUB_TOKENS: token,
      SAMOVAR_MUTATION_LOGS: `file://${folder}/logs`,
      SAMOVAR_MUTATION_LOG_WAL: join(folder, 'wal'),
    },
    hasLedger: false,
    rows: () => readLog(folder),
    problems: () => differences(folder, db),
    close: async () => undefined,
  };
}

/** What the log in the bucket adds up to, replayed anew. */
async function readLog(folder: string): Promise<TableRows> {
  const store = openStore(':memory:', { nowMs: () => 0 });
  const bucket = openBucket(`file://${folder}/logs`, { timeoutMs: 10_000, connections: 1 });
  try {
    const repo = store.corpus.repo(PLACE.owner, PLACE.name);
    const source = openBucketLog(bucket, `${PLACE.owner}/${PLACE.name}/`);
    await replayLog({ store, repo, source });
    lastLog.set(folder, stateOf(repo));
    return new Map([['log', stateOf(repo)]]);
  } finally {
    store.close();
    await bucket.close();
  }
}

/** By the world's folder: what its log added up to when it was read last. */
const lastLog = new Map<string, readonly FoundRow[]>();

function differences(folder: string, db: string): readonly string[] {
  const store = openStore(db, { nowMs: () => 0 });
  try {
    const mine = JSON.stringify(stateOf(store.corpus.repo(PLACE.owner, PLACE.name)));
    return mine === JSON.stringify(lastLog.get(folder))
      ? []
      : ['the database says something else than its log'];
  } finally {
    store.close();
  }
}

function stateOf(repo: CorpusRepo): readonly FoundRow[] {
  const shared = hashOf([repo.labels(), repo.milestones(), repo.condition()]);
  return repo.issues({ after: 0, limit: 1_000 }).map((issue) => {
    const { number } = issue;
    const parts = [
      repo.comments(number),
      repo.events(number),
      repo.reviews(number),
      repo.reviewComments(number),
    ];
    return { path: `issue ${number}`, content: hashOf([issue, parts, shared]) };
  });
}

function hashOf(value: unknown): string {
  const text = JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one));
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
