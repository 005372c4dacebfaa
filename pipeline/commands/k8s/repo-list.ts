import { parseRoot } from '../../backends/bucket/index.ts';
import { loadRepos, type TrackedRepo } from '../../config/repos.ts';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';

/** Reads the repositories that are followed, each time anew: of --repos, else of the settings. Throws `config` when neither names a list. */
export function repoListReader(
  context: Context,
  given: string | undefined,
): () => Promise<readonly TrackedRepo[]> {
  const place = given ?? context.settings.mutationLog.reposFile;
  if (place === undefined)
    throw new SamovarError('config', 'no list of repositories was named', {
      remedy: 'Name it with --repos FILE or URL.',
    });
  return async () => (await loadRepos(place, objectReader(context))).filter(({ issues }) => issues);
}

/** One bucket, opened once: the list is read every minute. */
function objectReader(context: Context): (url: string) => Promise<string> {
  const buckets = new Map<string, ReturnType<Context['openBucket']>>();
  return async (url) => {
    const [, folder = '', object = ''] = /^(.*\/)([^/]*)$/.exec(url) ?? [];
    const { bucketUrl, prefix } = parseRoot(folder);
    const bucket = buckets.get(bucketUrl) ?? context.openBucket(bucketUrl, { requestsInFlight: 1 });
    buckets.set(bucketUrl, bucket);
    const answer = await bucket.read(prefix + object);
    if (typeof answer !== 'object') throw new SamovarError('config', `${url} is not there`, { subject: url });
    return Buffer.from(answer.bytes).toString('utf8');
  };
}
