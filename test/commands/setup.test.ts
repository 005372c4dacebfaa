import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { emulatorOrSkip, type PubSubEmulator, startPubSubEmulator } from '../support/emulators.ts';
import { type GcsSetupServer, startGcsSetupServer } from '../support/gcs-setup-server.ts';
import { tempFolder } from '../support/temp.ts';

const BUCKETS =
  'gs://ci-logs/logs/:\n  sequential: false\ngs://ci-logs/pr-logs/:\n  sequential: false\n  pr: true\n';
const found = emulatorOrSkip('pubsub');
const suite = 'skip' in found ? describe.skip : describe;

interface Step {
  readonly what: string;
  readonly state: string;
  readonly detail: string;
}

suite(`samovar setup${'skip' in found ? ` (${found.skip})` : ''}`, () => {
  const folder = tempFolder();
  let emulator: PubSubEmulator;
  let gcs: GcsSetupServer;
  beforeAll(async () => {
    emulator = await startPubSubEmulator();
    gcs = await startGcsSetupServer(['ci-logs']);
  });
  afterAll(async () => {
    await gcs?.stop();
    await emulator?.stop();
  });

  async function setup(place: string, ...flags: readonly string[]) {
    const cwd = join(folder, place);
    mkdirSync(cwd, { recursive: true });
    writeFileSync(join(cwd, 'buckets.yaml'), BUCKETS);
    const args = [
      'setup',
      '--poll',
      `${place}/builds/builds-samovar`,
      '--buckets',
      'buckets.yaml',
      '--warehouse',
      'duckdb:w.duckdb',
    ];
    return cli([...args, ...flags], {
      cwd,
      env: { SAMOVAR_PUBSUB_ENDPOINT: emulator.endpoint, SAMOVAR_STORAGE_ENDPOINT: gcs.endpoint },
    });
  }
  const statesOf = (stdout: string) =>
    (JSON.parse(stdout) as readonly Step[]).map(({ what, state }) => [state, what]);
  const made = (state: string, project: string) => [
    [state, `topic projects/${project}/topics/builds`],
    [state, `topic projects/${project}/topics/builds-dead-letters`],
    [state, `subscription projects/${project}/subscriptions/builds-dead-letters-kept`],
    [state, `subscription projects/${project}/subscriptions/builds-samovar`],
  ];

  it('says what is missing and changes nothing; makes it; and finds it all there', async () => {
    const dry = await setup('samovar-one', '--dry-run', '--json');
    expect(dry.code, dry.stderr).toBe(0);
    expect(statesOf(dry.stdout).slice(0, 4)).toEqual(made('would be created', 'samovar-one'));
    const client = new PubSub({
      projectId: 'samovar-one',
      apiEndpoint: emulator.endpoint,
      emulatorMode: true,
    });
    expect((await client.getTopics())[0]).toEqual([]);
    expect(gcs.notifications.get('ci-logs')).toEqual([]);

    const result = await setup('samovar-one', '--yes', '--json');
    expect(result.code, result.stdout + result.stderr).toBe(0);
    expect(statesOf(result.stdout).slice(0, 4)).toEqual(made('created', 'samovar-one'));
    const [metadata] = await client.subscription('builds-samovar').getMetadata();
    expect(metadata).toMatchObject({
      filter: 'attributes.eventType = "OBJECT_FINALIZE"',
      ackDeadlineSeconds: 600,
      deadLetterPolicy: {
        deadLetterTopic: 'projects/samovar-one/topics/builds-dead-letters',
        maxDeliveryAttempts: 20,
      },
    });
    const topic = '//pubsub.googleapis.com/projects/samovar-one/topics/builds';
    expect(gcs.notifications.get('ci-logs')).toMatchObject([
      { topic, object_name_prefix: 'logs/', event_types: ['OBJECT_FINALIZE'] },
      { topic, object_name_prefix: 'pr-logs/', event_types: ['OBJECT_FINALIZE'] },
    ]);

    const again = await setup('samovar-one', '--yes', '--json');
    expect(statesOf(again.stdout).filter(([state]) => state !== 'there' && state !== 'by hand')).toEqual([]);
    expect(gcs.notifications.get('ci-logs')).toHaveLength(2);
    await client.close();
  }, 60_000);

  it('mends what can be mended of a subscription that is there, and says what cannot', async () => {
    const client = new PubSub({
      projectId: 'samovar-two',
      apiEndpoint: emulator.endpoint,
      emulatorMode: true,
    });
    const [topic] = await client.createTopic('builds');
    await topic.createSubscription('builds-samovar', { ackDeadlineSeconds: 10 });
    const result = await setup('samovar-two', '--yes', '--json');
    const steps = JSON.parse(result.stdout) as readonly Step[];
    expect(steps.filter(({ state }) => state === 'failed')).toEqual([]);
    const step = steps.find(({ what }) => what.endsWith('/builds-samovar'));
    expect(step).toMatchObject({ state: 'changed' });
    expect(step?.detail).toContain('its filter is none');
    const [metadata] = await client.subscription('builds-samovar').getMetadata();
    expect(metadata.ackDeadlineSeconds).toBe(600);
    expect((await setup('samovar-two', '--dry-run', '--json')).stdout).toContain('"differs"');
    await client.close();
  }, 60_000);

  it('gives commands for what somebody else must do', async () => {
    const { stdout, code } = await setup(
      'samovar-three',
      '--dry-run',
      '--service-account',
      'samovar@samovar-three.iam.gserviceaccount.com',
    );
    expect(code).toBe(0);
    expect(stdout).toContain(
      'gcloud storage buckets add-iam-policy-binding gs://ci-logs --role=roles/storage.objectViewer',
    );
    expect(stdout).toMatch(/would be created +topic projects\/samovar-three\/topics\/builds\n/);
  }, 60_000);

  it('does nothing in the cloud when nobody said yes, and tells a wrong flag by its name', async () => {
    const unasked = await setup('samovar-four');
    expect(unasked.code).toBe(2);
    expect(unasked.stderr).toContain('--dry-run');
    const wrong = await setup('samovar-four', '--dry-run', '--service-account', 'not an account');
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--service-account') });
  }, 60_000);

  it('a bucket that is not there is a failure that names it', async () => {
    const cwd = join(folder, 'samovar-five');
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'buckets.yaml'), 'gs://no-such-bucket/logs/:\n  sequential: false\n');
    const args = [
      'setup',
      '--poll',
      'samovar-five/builds/builds-samovar',
      '--buckets',
      'buckets.yaml',
      '--dry-run',
    ];
    const env = { SAMOVAR_PUBSUB_ENDPOINT: emulator.endpoint, SAMOVAR_STORAGE_ENDPOINT: gcs.endpoint };
    const result = await cli(args, { cwd, env });
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('no-such-bucket') });
  }, 60_000);
});

it('folders need nothing but tables', async () => {
  const result = await cli(['setup', '--dry-run'], { cwd: tempFolder() });
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout).toContain('would be created  table day');
});
