import type { Selection } from '../collect/plan.ts';
import { loadRoots } from '../config/buckets.ts';
import { guess, nearest } from '../config/similar.ts';
import type { Context } from '../context.ts';
import { SamovarError } from '../errors.ts';
import type { Store } from '../store/open.ts';

/** More names than a shell or a message could show. */
const JOBS_MAX = 20_000;
const PATTERN = /[*?]/;

/** Jobs that were collected. `prefixed`: as rows name them (`pr:pull-e2e`), else as buckets do. */
export async function knownJobs(
  { settings }: Pick<Context, 'settings'>,
  { builds, cursors }: Pick<Store, 'builds' | 'cursors'>,
  { prefixed }: { readonly prefixed: boolean },
): Promise<readonly string[]> {
  const roots = await loadRoots(settings.bucketsFile);
  return roots.flatMap(({ url, prefix }) => {
    const id = cursors.findRoot(url);
    const names = id === undefined ? [] : builds.jobs(id, JOBS_MAX);
    return prefixed ? names.map((name) => `${prefix}${name}`) : names;
  });
}

/**
 * As `assertKnownJob`, after a collection that found nothing. Of a part of the builds it only warns: a job that nobody has collected yet
 * may well have none there.
 */
export async function assertListedJob(
  context: Pick<Context, 'settings' | 'log'>,
  store: Pick<Store, 'builds' | 'cursors'>,
  { job, sinceMs, untilMs, shard }: Selection,
): Promise<void> {
  const known = await knownJobs(context, store, { prefixed: false });
  const isPart = sinceMs !== undefined || untilMs !== undefined || shard !== undefined;
  if (!isPart) return assertKnownJob(job, known);
  const hint = job === undefined || known.includes(job) ? '' : guess(job, known);
  if (hint !== '') context.log.warn(`no build of a job "${job}" was found. ${hint.trim()}`);
}

/** Throws `missing`, with the nearest name, when `job` is no pattern and none of the jobs that are known. No jobs: nothing is known. */
export function assertKnownJob(job: string | undefined, jobs: readonly string[]): void {
  if (job === undefined || PATTERN.test(job) || jobs.length === 0 || jobs.includes(job)) return;
  const near = nearest(job, jobs);
  throw new SamovarError('missing', `there is no job "${job}" among the ${jobs.length} that are known here`, {
    subject: job,
    remedy:
      near === undefined
        ? `Ask for several with a pattern: --job '*${job}*'`
        : `Did you mean "${near}"? A pattern asks for several: --job '${near.replace(/[^-]*$/, '')}*'`,
  });
}
