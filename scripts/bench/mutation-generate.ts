import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, randomFor } from '../../pipeline/demo/random.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { frameRecord } from '../../pipeline/records/mutation/framing.ts';
import type {
  Comment,
  GithubIssueMutation,
  IssueEvent,
  Review,
} from '../../pipeline/records/mutation/types.ts';

/** As large as maintner lets a segment become. */
const SEGMENT_BYTES = 64 * 2 ** 20;
const WRITE_BYTES = 4 * 2 ** 20;
const OWNER = 'o';
const REPO = 'r';
const BEGAN_S = Date.parse('2015-01-01T00:00:00Z') / 1000;
const USERS = 20_000;
const LABELS = 200;
/** A first sync brings so many issues, then their comments, then their events. */
const ISSUES_OF_A_RUN = 10_000;

export interface GeneratedLog {
  readonly issues: number;
  readonly comments: number;
  readonly events: number;
  readonly reviews: number;
  readonly records: number;
  /** Headers included. */
  readonly bytes: number;
  readonly segments: number;
}

/**
 * Writes the log of o/r, as a first sync leaves it, into `folder/o/r/`: the same bytes for the same numbers. An issue has a text of
 * about 1,200 bytes, 4 comments of about 500, 6 events; every third is a pull request, with 1.5 reviews. Memory does not grow with it.
 */
export function generateLog(folder: string, issues: number, seed: number): GeneratedLog {
  const out = segmentWriter(join(folder, OWNER, REPO));
  const world = worldOf(seed);
  const counts = { comments: 0, events: 0, reviews: 0 };
  for (let first = 1; first <= issues; first += ISSUES_OF_A_RUN) {
    const numbers = Array.from(
      { length: Math.min(ISSUES_OF_A_RUN, issues - first + 1) },
      (_, n) => first + n,
    );
    for (const make of [issueOf, commentsOf, eventsOf, reviewsOf]) {
      for (const number of numbers) {
        const said = make(world, number);
        if (said === undefined) continue;
        out.write(encodeMutation({ githubIssue: { owner: OWNER, repo: REPO, number, ...said } }));
        counts.comments += said.comments?.length ?? 0;
        counts.events += said.events?.length ?? 0;
        counts.reviews += said.reviews?.length ?? 0;
      }
    }
  }
  return { issues, ...counts, ...out.end() };
}

type Said = Partial<GithubIssueMutation> | undefined;

interface World {
  readonly random: Random;
  readonly words: Buffer;
  /** Users whose login was said. */
  readonly named: Set<number>;
}

function worldOf(seed: number): World {
  const random = randomFor('mutation-log', seed);
  const words = Array.from({ length: 16_384 }, () => WORDS[random.below(WORDS.length)] ?? '').join(' ');
  return { random, words: Buffer.from(words), named: new Set() };
}

const WORDS =
  'the build fails when go test runs on linux with race detector and we see panic: runtime error in net/http \u00e9tat `make` https://example.com/log #123'.split(
    ' ',
  );

/** About so many bytes: few are long, most are short. */
function textOf({ random, words }: World, bytes: number): string {
  const length = Math.max(20, Math.floor(-Math.log(1 - random.next()) * bytes));
  const start = random.below(Math.max(1, words.length - length));
  return words.toString('utf8', start, start + length).toWellFormed();
}

function userOf({ random, named }: World) {
  const number = Math.floor(random.next() ** 3 * USERS);
  const id = BigInt(100_000 + number * 37);
  if (named.has(number)) return { id };
  named.add(number);
  return { id, login: `user-${number}` };
}

const timeOf = (number: number, afterS: number) => ({ seconds: BEGAN_S + number * 3_000 + afterS });

function issueOf(world: World, number: number): Said {
  const { random } = world;
  const closed = random.below(4) > 0;
  return {
    id: BigInt(1_000_000 + number),
    title: textOf(world, 55),
    bodyChange: { val: textOf(world, 1_200) },
    user: userOf(world),
    created: timeOf(number, 0),
    updated: timeOf(number, random.below(50_000_000)),
    closed: { val: closed },
    ...(closed && { closedAt: timeOf(number, 86_400), closedBy: userOf(world) }),
    locked: { val: false },
    noMilestone: true,
    ...(number % 3 === 0 && { pullRequest: true }),
    ...(random.below(3) === 0 && { assignees: [userOf(world)] }),
    addLabels: Array.from({ length: 1 + random.below(3) }, () => random.below(LABELS)).map((label) => ({
      id: BigInt(500 + label),
      name: `area/label-${label}`,
    })),
  };
}

function commentsOf(world: World, number: number): Said {
  const comments = Array.from({ length: world.random.below(9) }, (_, n): Comment => {
    const created = timeOf(number, 600 * (n + 1));
    const id = BigInt(200_000_000 + number * 16 + n);
    return { id, user: userOf(world), body: textOf(world, 500), created, updated: created };
  });
  if (comments.length === 0) return undefined;
  return { comments, commentStatus: { serverDate: timeOf(number, 90_000) } };
}

function eventsOf(world: World, number: number): Said {
  const { random } = world;
  const events = Array.from({ length: 1 + random.below(11) }, (_, n): IssueEvent => {
    const id = BigInt(4_000_000_000 + number * 16 + n);
    const actorId = userOf(world).id;
    const created = timeOf(number, 700 * (n + 1));
    if (n % 3 === 2)
      return { id, eventType: 'closed', actorId, created, commit: { commitId: random.hex(40) } };
    const label = { id: 0n, name: `area/label-${random.below(LABELS)}` };
    return { id, eventType: 'labeled', actorId, created, label };
  });
  return { events, eventStatus: { serverDate: timeOf(number, 90_000) } };
}

function reviewsOf(world: World, number: number): Said {
  if (number % 3 > 0) return undefined;
  const reviews = Array.from({ length: world.random.below(4) }, (_, n): Review => {
    const id = BigInt(900_000_000 + number * 4 + n);
    const [actorId, created] = [userOf(world).id, timeOf(number, 800 * (n + 1))];
    const actorAssociation = 'CONTRIBUTOR';
    return { id, actorId, created, body: textOf(world, 100), state: 'APPROVED', actorAssociation };
  });
  return { reviews, reviewStatus: { serverDate: timeOf(number, 90_000) } };
}

/** Segments as they lie in a bucket, each renamed to its hash when it is full. */
function segmentWriter(folder: string) {
  mkdirSync(folder, { recursive: true });
  const unnamed = join(folder, 'unnamed');
  const total = { records: 0, bytes: 0, segments: 0 };
  let open = { file: openSync(unnamed, 'w'), hash: createHash('sha224'), offset: 0 };
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const flush = () => {
    const bytes = Buffer.concat(waiting);
    writeSync(open.file, bytes);
    open.hash.update(bytes);
    waiting = [];
    waitingBytes = 0;
  };
  const freeze = () => {
    flush();
    closeSync(open.file);
    const name = `${String(total.segments).padStart(4, '0')}.${open.hash.digest('hex')}.mutlog`;
    renameSync(unnamed, join(folder, name));
    total.segments += 1;
    total.bytes += open.offset;
  };
  return {
    write: (payload: Uint8Array) => {
      if (open.offset > SEGMENT_BYTES) {
        freeze();
        open = { file: openSync(unnamed, 'w'), hash: createHash('sha224'), offset: 0 };
      }
      const record = frameRecord(open.offset, payload);
      waiting.push(record);
      waitingBytes += record.length;
      open.offset += record.length;
      total.records += 1;
      if (waitingBytes >= WRITE_BYTES) flush();
    },
    end: () => {
      freeze();
      return total;
    },
  };
}
