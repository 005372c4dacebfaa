import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CheckResult } from '../../pipeline/jobs/doctor.ts';
import { cli } from '../support/cli.ts';
import { emulatorOrSkip, startBigQueryEmulator, startPubSubEmulator } from '../support/emulators.ts';
import { createPubSub } from '../support/pubsub.ts';
import { tempFolder } from '../support/temp.ts';

const SLOW = 120_000;

async function doctor(args: readonly string[], env: Readonly<Record<string, string>>) {
  const cwd = tempFolder();
  writeFileSync(join(cwd, 'buckets.yaml'), 'file:bucket/logs/:\n  sequential: false\n');
  writeFileSync(join(cwd, 'tables.yaml'), 'all:\n  days: 0\n');
  const common = ['--buckets', 'buckets.yaml', '--tables-file', 'tables.yaml', '--timeout', '30', '--json'];
  const { stdout } = await cli(['doctor', ...args, ...common], { cwd, env });
  const results = JSON.parse(stdout) as readonly CheckResult[];
  return (area: string) => results.find((result) => result.area === area);
}

const pubsub = emulatorOrSkip('pubsub');
describe.skipIf('skip' in pubsub)(
  `samovar doctor and Pub/Sub${'skip' in pubsub ? ` (${pubsub.skip})` : ''}`,
  () => {
    it(
      'finds a subscription and its dead-letter topic, and misses one that is not there',
      async () => {
        const emulator = await startPubSubEmulator();
        onTestFinished(() => emulator.stop());
        const env = { SAMOVAR_PUBSUB_ENDPOINT: emulator.endpoint };
        const dead = await createPubSub(emulator.endpoint, { deadLetterAfter: 7 });
        onTestFinished(() => dead.close());
        const asked = async (path: string) =>
          (await doctor([], { ...env, SAMOVAR_SUBSCRIPTION_PATH: path }))('queue');
        expect(await asked(dead.path)).toMatchObject({
          state: 'ok',
          detail: expect.stringContaining('after 7 tries'),
        });
        expect(await asked(`${dead.project}/topic/never-made`)).toMatchObject({ state: 'failed' });
      },
      SLOW,
    );
  },
);

const bigquery = emulatorOrSkip('bigquery');
describe.skipIf('skip' in bigquery)(
  `samovar doctor and BigQuery${'skip' in bigquery ? ` (${bigquery.skip})` : ''}`,
  () => {
    it(
      'asks the dataset, and names tables that it lacks',
      async () => {
        const { endpoint, project, dataset, stop } = await startBigQueryEmulator();
        onTestFinished(stop);
        const check = await doctor(['--warehouse', `bigquery:${project}:${dataset}`], {
          SAMOVAR_BIGQUERY_ENDPOINT: endpoint,
        });
        expect(check('warehouse')).toMatchObject({ state: 'warning', detail: 'answers, and has no all' });
      },
      SLOW,
    );
  },
);
