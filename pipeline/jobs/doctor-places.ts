import type { Bucket } from '../backends/bucket/contract.ts';
import { parseRoot } from '../backends/bucket/urls.ts';
import type { Queue } from '../backends/queue/contract.ts';
import type { Warehouse } from '../backends/warehouse/contract.ts';
import type { BucketRoot } from '../config/buckets.ts';
import { SamovarError } from '../errors.ts';
import { type Check, ok, warning } from './doctor.ts';

export interface PlaceChecks {
  readonly roots: readonly BucketRoot[];
  /** Roots are the demo's, which an update makes. */
  readonly demo: boolean;
  readonly openBucket: (url: string, anonymous: boolean) => Bucket;
  readonly warehouse: string;
  /** To read only. */
  readonly openWarehouse: () => Promise<Warehouse>;
  /** Whether its tables are there is asked. */
  readonly tables: readonly string[];
  readonly subscription: string | undefined;
  readonly openQueue: (path: string) => Promise<Queue>;
}

/** Whether each bucket can be listed, the warehouse asked, the subscription looked at: one cheap request each, as a run makes them. */
export function placeChecks(given: PlaceChecks): readonly Check[] {
  return [
    ...given.roots.map((root) => bucketCheck(root, given)),
    warehouseCheck(given),
    ...(given.subscription === undefined ? [] : [queueCheck(given.subscription, given)]),
  ];
}

function bucketCheck(root: BucketRoot, { openBucket, demo }: PlaceChecks): Check {
  const { bucketUrl, prefix } = parseRoot(root.url);
  return {
    area: 'buckets',
    name: root.url,
    network: !root.url.startsWith('file:'),
    remedy:
      'Check the name, the network, and that this account has roles/storage.objectViewer on the bucket (or write `anonymous: true` for a public one).',
    run: async (signal) => {
      const bucket = openBucket(bucketUrl, root.anonymous);
      try {
        const page = await bucket.list(prefix, { delimited: true, pageSize: 1, signal });
        const isEmpty = page.objects.length === 0 && page.prefixes.length === 0;
        // A server may give an empty page with more behind it.
        return isEmpty && page.nextPageToken === undefined
          ? warning(
              'can be read, and nothing is there',
              'Check the prefix: folders of jobs are to lie right below it.',
            )
          : ok('can be listed');
      } catch (error) {
        if (!demo || !(error instanceof SamovarError) || error.code !== 'missing') throw error;
        return warning('the demo is not made yet', 'The first `samovar update` makes it.');
      } finally {
        await bucket.close();
      }
    },
  };
}

function warehouseCheck({ warehouse: url, openWarehouse, tables }: PlaceChecks): Check {
  const isRemote = url.startsWith('bigquery:');
  return {
    area: 'warehouse',
    name: url,
    network: isRemote,
    remedy: isRemote
      ? 'Check project and dataset, and that this account has roles/bigquery.jobUser on the project and roles/bigquery.dataEditor on the dataset; `samovar setup --dry-run` says what is missing.'
      : 'Check that the file can be read by this user.',
    run: async (signal) => {
      let warehouse: Warehouse;
      try {
        warehouse = await openWarehouse();
      } catch (error) {
        return notOpened(error);
      }
      try {
        await warehouse.query('SELECT 1 AS one', { signal });
        const infos = await Promise.all(
          tables.map(async (name) => ({ name, info: await warehouse.tableInfo(name, { signal }) })),
        );
        const missing = infos.filter(({ info }) => info === undefined).map(({ name }) => name);
        return missing.length === 0
          ? ok(`answers, and has ${tables.join(', ')}`)
          : warning(
              `answers, and has no ${missing.join(', ')}`,
              'The first `samovar update` makes them; see also --tables-file.',
            );
      } finally {
        await warehouse.close();
      }
    },
  };
}

/** Held by a run, or not made yet: that is how things go. */
function notOpened(error: unknown) {
  if (!(error instanceof SamovarError)) throw error;
  if (error.code === 'conflict') return ok('another process has it open just now, so it was not looked into');
  if (error.code === 'missing') return warning('it is not there yet', 'The first `samovar update` makes it.');
  throw error;
}

function queueCheck(path: string, { openQueue }: PlaceChecks): Check {
  return {
    area: 'queue',
    name: path,
    network: true,
    remedy:
      'Check the name, and that this account has roles/pubsub.subscriber (and viewer) on it; `samovar setup --poll ... --dry-run` says what is missing.',
    run: async () => {
      const queue = await openQueue(path);
      try {
        const policy = await queue.deadLetterPolicy();
        return policy === undefined
          ? warning('is there, without a dead-letter topic', '`samovar setup --poll ...` gives it one.')
          : ok(`is there; after ${policy.attemptsMax} tries messages go to ${policy.topic}`);
      } finally {
        await queue.close();
      }
    },
  };
}
