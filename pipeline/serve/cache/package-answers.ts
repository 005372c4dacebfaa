import { createHash } from 'node:crypto';
import type { Cache } from '../../cache/engine.ts';
import { type Answer, createAnswers } from './answers.ts';
import { KEYED_BLOCKS, PACKAGES_LIST, STATIC_PROVIDER, SUBJECT_PROVIDERS } from './blocks.ts';
import type { Query } from './names.ts';
import { allBlocks, createReader, fingerprintOf, nextChangeMs, type PackageReads } from './reads.ts';
import { HttpRefusal } from './refusal.ts';
import { createSubjects, type QueryPackages, type Subjects } from './subjects.ts';
import { isMissing, type Wishes } from './wishes.ts';

/** An answer is looked at again after so long, even when nothing has changed: somebody is there who wants it kept warm. */
const KEEP_MS = 60_000;
const KEEP_PARTIAL_MS = 30_000;
const RETRY_S = 10;
/** Where all that is missing has failed: its next try is further off. */
const RETRY_FAILING_S = 60;

/** One form of the answer. */
export interface Form<F extends QueryPackages = QueryPackages> {
  /** Part of what an ETag is of: a change of the form needs a new one. */
  readonly name: string;
  readonly find: (subjects: Subjects, query: Query) => F;
  readonly render: (made: Made<F>) => string;
}

export interface Made<F extends QueryPackages = QueryPackages> {
  readonly status: Answer['status'];
  readonly found: F;
  readonly reads: PackageReads;
}

export interface PackageAnswers {
  /** Reads, and wants what is missing. Refuses (413) what is too large. */
  answer<F extends QueryPackages>(form: Form<F>, query: Query, withPrivate: boolean): Answer;
}

export interface PackageAnswersOptions {
  readonly cache: Cache;
  readonly wishes: Wishes;
  readonly nowMs: () => number;
  readonly packagesMax: number;
  readonly bytesMax: number;
  /** As options.ts has it. */
  readonly answerMs: number;
}

export function createPackageAnswers(options: PackageAnswersOptions): PackageAnswers {
  const { cache, wishes, nowMs, packagesMax, bytesMax, answerMs } = options;
  const answers = createAnswers(bytesMax);
  const subjects = createSubjects(cache);
  const reader = createReader(cache, wishes);
  return {
    answer: (form, query, withPrivate) => {
      const question = JSON.stringify([form.name, withPrivate, query]);
      const seq = cache.seq();
      const now = nowMs();
      const last = answers.get(question);
      if (last !== undefined && now < last.untilMs) {
        if (last.seq === seq || now < last.madeMs + answerMs) return last;
        if (isUntouched(cache, last, query)) {
          const still = { ...last, seq, madeMs: now };
          answers.put(question, still);
          return still;
        }
      }
      const found = form.find(subjects, query);
      assertNumber(found.packages, packagesMax);
      note(cache, query, found);
      for (const provider of found.pending) wishes.want(provider, [''], 'waiting');
      const reads = reader.readPackages(found.packages, withPrivate);
      const { status, retryAfterS } = verdictOf(found, reads);
      const fingerprint = `${status} ${fingerprintOf(reads)} ${JSON.stringify([found.unknown, found.pending, reads.missingBlocks])}`;
      const untilMs = Math.min(
        nextChangeMs(reads, cache, now),
        now + (status === 202 ? KEEP_PARTIAL_MS : KEEP_MS),
      );
      const made =
        last?.fingerprint === fingerprint
          ? { ...last, seq, untilMs, madeMs: now }
          : {
              ...{
                status,
                retryAfterS,
                fingerprint,
                seq,
                untilMs,
                madeMs: now,
                packages: new Set(found.packages),
              },
              etag: etagOf(question, fingerprint),
              body: Buffer.from(form.render({ status, found, reads })),
            };
      answers.put(question, made);
      return made;
    },
  };
}

/** Whatever changed since an answer was made, it is not of what the answer is made of. */
function isUntouched(cache: Cache, { seq, packages }: Answer, { users, groups }: Query): boolean {
  const changes = cache.changesSince(seq);
  return (
    changes?.every(({ provider, key }) => {
      if (BY_PACKAGE.has(provider)) return !packages.has(key);
      if (provider === SUBJECT_PROVIDERS.user.packages) return !users.includes(key);
      if (provider === SUBJECT_PROVIDERS.group.packages) return !groups.includes(key);
      return !LISTS.has(provider);
    }) === true
  );
}

const BY_PACKAGE: ReadonlySet<string> = new Set([
  STATIC_PROVIDER,
  ...KEYED_BLOCKS.flatMap(({ provider, privateProvider }) => [provider, privateProvider ?? provider]),
]);
const LISTS: ReadonlySet<string> = new Set([
  PACKAGES_LIST,
  ...Object.values(SUBJECT_PROVIDERS).map(({ all }) => all),
]);

function assertNumber(packages: readonly string[], max: number): void {
  if (packages.length > max)
    throw new HttpRefusal(
      413,
      `these are ${packages.length} packages, at most ${max} may be in one answer: ask for fewer names at once`,
    );
}

/** Only those who exist: else everybody could fill the table. */
function note(cache: Cache, { users, groups }: Query, { packages, unknown, pending }: QueryPackages): void {
  const isKnown = (subject: string) => pending.length === 0 && !unknown.includes(subject);
  for (const user of users) if (isKnown(`user ${user}`)) cache.seen('user', user);
  for (const group of groups) if (isKnown(`group ${group}`)) cache.seen('group', group);
  for (const name of packages) cache.seen('package', name);
}

function verdictOf(
  { packages, unknown, pending }: QueryPackages,
  reads: PackageReads,
): Pick<Answer, 'status' | 'retryAfterS'> {
  const missing = allBlocks(reads).flatMap((block) => block.reads.filter(isMissing));
  if (
    pending.length > 0 ||
    reads.missingBlocks.length > 0 ||
    missing.some(({ error }) => error === undefined)
  )
    return { status: 202, retryAfterS: RETRY_S };
  if (missing.length > 0) return { status: 202, retryAfterS: RETRY_FAILING_S };
  const nothing = packages.length === 0 && unknown.length > 0;
  return { status: nothing ? 404 : 200, retryAfterS: undefined };
}

/**
 * Weak: `checked_at` moves on whenever an upstream is found unchanged, and that alone is no reason to send megabytes anew.
 */
function etagOf(question: string, fingerprint: string): string {
  const hash = createHash('sha256').update(question).update(fingerprint).digest('base64url');
  return `W/"${hash.slice(0, 22)}"`;
}
