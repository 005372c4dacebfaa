import { createInterface } from 'node:readline/promises';
import type { CommandModule } from 'yargs';
import { bucketSetup, parseRoot } from '../backends/bucket/index.ts';
import { parseSubscription, subscriptionSteps } from '../backends/queue/index.ts';
import type { SetupStep } from '../backends/setup/contract.ts';
import type { Warehouse } from '../backends/warehouse/contract.ts';
import { warehouseSteps } from '../backends/warehouse/index.ts';
import { type BucketRoot, loadRoots } from '../config/buckets.ts';
import { loadTables, type TableConfig, tableSpec } from '../config/tables.ts';
import { type Context, warehouseOptions } from '../context.ts';
import { SamovarError } from '../errors.ts';
import { runSetup, type StepResult } from '../jobs/setup.ts';
import { ensureLatestViews } from '../jobs/views.ts';
import { setupText } from '../show/setup.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';

type Args = CommonArgs & {
  readonly poll?: string | undefined;
  readonly dataset?: string | undefined;
  readonly 'service-account'?: string | undefined;
  readonly 'dry-run': boolean;
  readonly yes: boolean;
};

export const setupCommand: CommandModule<object, Args> = {
  command: 'setup',
  describe: 'Make what streaming needs: topic, subscription, notifications, rights, dataset, tables',
  builder: (yargs) =>
    commonOptions(yargs)
      .option('poll', { type: 'string', describe: 'project/topic/subscription to make' })
      .option('dataset', {
        type: 'string',
        describe: 'project:dataset; the same as --warehouse bigquery:project:dataset',
      })
      .option('service-account', {
        type: 'string',
        describe: 'The account that streams (its e-mail address), to be given the rights it needs',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say what is there and what is missing',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'Do not ask before anything is made' })
      .example('$0 setup --poll my-project/builds/builds-samovar --dry-run', 'what is missing')
      .example(
        '$0 setup --poll my-project/builds/builds-samovar --dataset my-project:builds --service-account samovar@my-project.iam.gserviceaccount.com --yes',
        'make it',
      ),
  handler: (args) =>
    withContext(
      args.dataset === undefined ? args : { ...args, warehouse: `bigquery:${args.dataset}` },
      (context) => setup(context, args),
    ),
};

async function setup(context: Context, args: Args): Promise<number> {
  const roots = await loadRoots(context.settings.bucketsFile);
  const { steps, close } = await stepsOf(context, args, roots);
  try {
    const { signal } = context;
    const dryRun = args['dry-run'] || !(args.yes || (await confirmed(context, steps)));
    const results = await runSetup(steps, { dryRun, signal });
    await print(context, args.json ? JSON.stringify(results) : setupText(results));
    return results.some(({ state }) => state === 'failed') ? 1 : 0;
  } finally {
    await close();
  }
}

/** Asked on a terminal, with the plan before the eyes; elsewhere nobody could answer. */
async function confirmed(context: Context, steps: readonly SetupStep[]): Promise<boolean> {
  if (!context.interactive || !process.stdin.isTTY) {
    throw new SamovarError('config', 'setup makes things in the cloud, and nobody is here to be asked', {
      remedy: 'Look with --dry-run first, then say --yes.',
    });
  }
  const plan: readonly StepResult[] = await runSetup(steps, { dryRun: true, signal: context.signal });
  context.stderr.write(`${setupText(plan)}\n`);
  if (plan.every(({ state }) => !state.startsWith('would'))) return false;
  const asking = createInterface({ input: process.stdin, output: context.stderr });
  try {
    const answer = await asking.question('Make all this? [y/N] ', { signal: context.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}

interface Steps {
  readonly steps: readonly SetupStep[];
  readonly close: () => Promise<void>;
}

async function stepsOf(context: Context, args: Args, roots: readonly BucketRoot[]): Promise<Steps> {
  const { settings } = context;
  const queue = await queueSteps(context, args, roots);
  const tables = await loadTables(settings.tablesFile);
  const warehouse = await context.openWarehouse();
  const steps = [
    ...queue.steps,
    ...(await warehouseSteps(settings.warehouse, warehouseOptions(settings))),
    ...tables.map((table) => tableStep(context, warehouse, table)),
    ...viewSteps(context, warehouse, tables),
    ...accountSteps(context, args, roots),
  ];
  return { steps, close: queue.close };
}

/** Nothing for folders: they are watched. */
async function queueSteps(context: Context, args: Args, roots: readonly BucketRoot[]): Promise<Steps> {
  const { settings, nowMs } = context;
  const buckets = [...new Set(roots.map(({ url }) => parseRoot(url).bucketUrl))].filter((url) =>
    url.startsWith('gs:'),
  );
  const path = settings.stream.subscriptionPath;
  if (path === undefined) {
    if (buckets.length === 0) return { steps: [], close: async () => undefined };
    throw new SamovarError('config', 'which subscription is to be made?', {
      remedy: 'Name it: --poll project/topic/subscription.',
    });
  }
  const { project, topic, subscription } = parseSubscription(path);
  if (topic === undefined) {
    throw new SamovarError('config', `${path} does not name the topic`, {
      remedy: 'Name all three: --poll project/topic/subscription.',
    });
  }
  const storage = {
    timeoutMs: settings.requestTimeoutMs,
    ...(settings.storageEndpoint !== undefined && { endpoint: settings.storageEndpoint }),
  };
  const { notificationStep, projectNumber, storageAgent } = await bucketSetup();
  const publishers = await Promise.all(
    buckets.map((url) => storageAgent(url.slice('gs://'.length), storage)),
  );
  const number = await projectNumber(project, storage);
  const agent = number === undefined ? undefined : `service-${number}@gcp-sa-pubsub.iam.gserviceaccount.com`;
  const { pubsubEndpoint } = settings;
  const made = await subscriptionSteps(
    {
      project,
      topic,
      subscription,
      publishers: [...new Set(publishers)],
      agent,
      subscriber: args['service-account'],
    },
    {
      nowMs,
      timeoutMs: settings.requestTimeoutMs,
      ...(pubsubEndpoint !== undefined && { endpoint: pubsubEndpoint }),
    },
  );
  const notifications = roots
    .map(({ url }) => parseRoot(url))
    .filter(({ bucketUrl }) => bucketUrl.startsWith('gs:'))
    .map(({ bucketUrl, prefix }) =>
      notificationStep(
        { bucket: bucketUrl.slice('gs://'.length), prefix, topic: `projects/${project}/topics/${topic}` },
        storage,
      ),
    );
  return { steps: [...made.steps, ...notifications], close: made.close };
}

function tableStep({ signal }: Context, warehouse: Warehouse, table: TableConfig): SetupStep {
  return {
    what: `table ${table.name}`,
    look: async () => {
      const change = await warehouse.ensureTable(await tableSpec(table), { dryRun: true, signal });
      if (change.action === 'unchanged') return { state: 'there' };
      if (change.action === 'created') return { state: 'missing' };
      return { state: 'differs', mendable: true, detail: `new columns: ${change.added.join(', ')}` };
    },
    apply: async () => void (await warehouse.ensureTable(await tableSpec(table), { signal })),
  };
}

function viewSteps(
  { signal }: Context,
  warehouse: Warehouse,
  tables: readonly TableConfig[],
): readonly SetupStep[] {
  if (tables.every(({ writer }) => writer === 'load')) return [];
  const ensure = async (dryRun: boolean) => {
    const specs = await Promise.all(
      tables.map(async (config) => ({ config, spec: await tableSpec(config) })),
    );
    return ensureLatestViews(warehouse, specs, { signal, dryRun });
  };
  return [
    {
      what: 'views of the newest row of each build',
      look: async () =>
        (await ensure(true)).some(({ changed }) => changed) ? { state: 'missing' } : { state: 'there' },
      apply: async () => void (await ensure(false)),
    },
  ];
}

/** Rights on projects, buckets and datasets are not ours to change: the commands for somebody who may. */
function accountSteps({ settings }: Context, args: Args, roots: readonly BucketRoot[]): readonly SetupStep[] {
  const account = args['service-account'];
  if (account === undefined) return [];
  if (!/^[a-z0-9.-]+@[a-z0-9.-]+$/.test(account)) {
    throw new SamovarError(
      'config',
      `--service-account ${JSON.stringify(account)} is no account's e-mail address`,
      { remedy: 'Write it whole: samovar@my-project.iam.gserviceaccount.com' },
    );
  }
  const member = `serviceAccount:${account}`;
  const buckets = new Set(
    roots
      .filter(({ url, anonymous }) => url.startsWith('gs:') && !anonymous)
      .map(({ url }) => parseRoot(url).bucketUrl),
  );
  const [, project, dataset] = /^bigquery:(.+)[:.]([^:.]+)$/.exec(settings.warehouse) ?? [];
  const byHand = (what: string, command: string): SetupStep => ({
    what,
    look: async () => ({ state: 'by-hand', command }),
    apply: async () => undefined,
  });
  return [
    ...[...buckets].map((bucket) =>
      byHand(
        `roles/storage.objectViewer on ${bucket}`,
        `gcloud storage buckets add-iam-policy-binding ${bucket} --role=roles/storage.objectViewer --member=${member}`,
      ),
    ),
    ...(project === undefined
      ? []
      : [
          byHand(
            `roles/bigquery.jobUser on ${project}`,
            `gcloud projects add-iam-policy-binding ${project} --role=roles/bigquery.jobUser --member=${member}`,
          ),
          byHand(
            `roles/bigquery.dataEditor on ${project}:${dataset}`,
            `bq query --use_legacy_sql=false 'GRANT \`roles/bigquery.dataEditor\` ON SCHEMA \`${project}.${dataset}\` TO "${member}"'`,
          ),
        ]),
  ];
}
