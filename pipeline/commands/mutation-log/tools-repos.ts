import { parseRoot } from '../../backends/bucket/index.ts';
import { loadRepos } from '../../config/repos.ts';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import type { RepoName } from '../../jobs/mutation-copy-names.ts';
import type { Task } from '../../monitor/contract.ts';
import { type Counting, counting } from '../counting.ts';
import { repoOf } from './log-place.ts';

/** What was named on the command line, else what the file of repositories has. Throws `config`. */
export async function namedRepos(
  context: Context,
  args: { readonly repo?: readonly string[] | undefined; readonly repos?: string | undefined },
): Promise<readonly RepoName[]> {
  const named = [...new Set(args.repo ?? [])].map(repoOf);
  const place = args.repos ?? (named.length === 0 ? context.settings.mutationLog.reposFile : undefined);
  const listed = place === undefined ? [] : await loadRepos(place, (url) => readObject(context, url));
  const repos = [...named, ...listed.filter(({ issues }) => issues)].map(({ owner, name }) => ({
    owner,
    name,
  }));
  const unique = new Map(repos.map((repo) => [`${repo.owner}/${repo.name}`, repo]));
  if (unique.size > 0) return [...unique.values()];
  throw new SamovarError('config', 'no repository was named', {
    remedy: 'Name some with --repo OWNER/REPO, or give a list with --repos FILE.',
  });
}

async function readObject(context: Context, url: string): Promise<string> {
  const slash = url.lastIndexOf('/');
  const { bucketUrl, prefix } = parseRoot(`${url.slice(0, slash)}/`);
  const bucket = context.openBucket(bucketUrl, { requestsInFlight: 1 });
  const found = await bucket.read(`${prefix}${url.slice(slash + 1)}`);
  if (typeof found === 'object') return Buffer.from(found.bytes).toString('utf8');
  throw new SamovarError('config', `there is no list of repositories at ${url}`, { subject: url });
}

/** Runs work while how far it is is shown on stderr, and watched. */
export async function counted<T>(
  context: Context,
  { label, unit }: { readonly label: string; readonly unit: string },
  work: (counting: Counting, task: Task) => Promise<T>,
): Promise<T> {
  const task = context.progress.stage('mutation-log').task(label);
  return counting(context, { label, unit }, (state) => work(state, task)).finally(() => task.end());
}
