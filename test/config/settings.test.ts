import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadSettings, resolveSettings, type SettingsFlags } from '../../pipeline/config/settings.ts';
import { readSchema } from '../../pipeline/config/shipped.ts';
import { masked } from '../../pipeline/config/sources.ts';
import { parseConfig } from '../../pipeline/config/yaml.ts';

const schema = await readSchema('samovar');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'samovar-settings-'));
});
afterAll(() => rm(folder, { recursive: true }));

const withEnv = (env: Record<string, string>) => resolveSettings(schema, { flags: {}, env });

async function load(flags: SettingsFlags, env: Record<string, string>, yaml?: string) {
  const config = join(folder, 'samovar.yaml');
  await writeFile(config, yaml ?? '# nothing\n');
  return loadSettings({ flags: { ...flags, config }, env });
}

test('with nothing configured the demo is used, with an embedded warehouse', () => {
  expect(withEnv({})).toMatchObject({
    demo: true,
    db: 'data/build.db',
    bucketsFile: 'config/demo-buckets.yaml',
    tablesFile: 'config/tables.yaml',
    warehouse: 'duckdb:data/warehouse.duckdb',
    workDir: 'data/out',
    threads: 32,
    buildLimit: 0,
    requestTimeoutMs: 30_000,
    settleMs: 3_600_000,
    giveUpMs: 432_000_000,
    rawXmlDays: 30,
    sources: {},
  });
});

describe('made-up builds never get into a real run', () => {
  test.each([
    ['KETTLE_DB', 'old.db'],
    ['SAMOVAR_BUCKETS', 'mine.yaml'],
    ['SAMOVAR_WAREHOUSE', 'bigquery:project:dataset'],
    ['DEPLOYMENT', 'prod'],
    ['SUBSCRIPTION_PATH', 'projects/p/subscriptions/s'],
    ['SAMOVAR_DEMO', 'false'],
  ])('%s ends the demo', (name, value) => {
    const settings = withEnv({ [name]: value });
    expect(settings.demo).toBe(false);
    expect(settings.bucketsFile).toBe(name === 'SAMOVAR_BUCKETS' ? 'mine.yaml' : 'config/buckets.yaml');
  });

  test('what only says how to run leaves the demo alone', () => {
    expect(withEnv({ SAMOVAR_THREADS: '4', SAMOVAR_LOG_LEVEL: 'debug' }).demo).toBe(true);
  });

  test('the demo can be asked for in other places, but not with other buckets', () => {
    expect(withEnv({ SAMOVAR_DEMO: '1', SAMOVAR_DB: 'x.db' })).toMatchObject({
      demo: true,
      db: 'x.db',
      bucketsFile: 'config/demo-buckets.yaml',
    });
    expect(() => withEnv({ SAMOVAR_DEMO: '1', SAMOVAR_BUCKETS: 'x.yaml' })).toThrow(
      /SAMOVAR_BUCKETS names others/,
    );
  });
});

test('flags win over the environment, it wins over the file, that wins over the defaults', async () => {
  const yaml = 'db: file.db\nthreads: 5\nwarehouse: duckdb:file.duckdb\n';
  const settings = await load({ db: 'flag.db' }, { SAMOVAR_DB: 'env.db', SAMOVAR_THREADS: '7' }, yaml);
  expect(settings).toMatchObject({
    db: 'flag.db',
    threads: 7,
    warehouse: 'duckdb:file.duckdb',
    workDir: 'data/out',
  });
  expect(settings.sources).toEqual({
    db: '--db',
    threads: 'SAMOVAR_THREADS',
    warehouse: join(folder, 'samovar.yaml'),
  });
});

describe("Kettle's environment is taken", () => {
  test('each variable sets its setting', () => {
    const env = { KETTLE_DB: 'k.db', BUILD_LIMIT: '12', DEPLOYMENT: 'staging', SUBSCRIPTION_PATH: 'p/s' };
    expect(withEnv(env)).toMatchObject({
      db: 'k.db',
      buildLimit: 12,
      deployment: 'staging',
      tablesFile: 'config/tables-staging.yaml',
      stream: { subscriptionPath: 'p/s' },
    });
  });

  test('our own name of a variable wins, and an empty one counts as not set', () => {
    expect(withEnv({ KETTLE_DB: 'k.db', SAMOVAR_DB: 's.db' }).db).toBe('s.db');
    expect(withEnv({ KETTLE_DB: 'k.db', SAMOVAR_DB: '' }).db).toBe('k.db');
  });
});

test.each([
  ['127.0.0.1:4443', 'http://127.0.0.1:4443'],
  ['http://127.0.0.1:4443/', 'http://127.0.0.1:4443'],
  ['https://storage.example.com', 'https://storage.example.com'],
])("an emulator's address %s is read as %s", (given, url) => {
  expect(withEnv({ STORAGE_EMULATOR_HOST: given }).storageEndpoint).toBe(url);
});

describe('a wrong value ends with the name of what set it and what is allowed', () => {
  test.each([
    [
      'BUILD_LIMIT',
      'many',
      /^BUILD_LIMIT: must be a whole number, not "many"; allowed: a whole number from 0 on/,
    ],
    ['SAMOVAR_THREADS', '0', /^SAMOVAR_THREADS: 0 must be >= 1/],
    ['SAMOVAR_THREADS', '1.5', /^SAMOVAR_THREADS: must be a whole number, not 1\.5/],
    ['DEPLOYMENT', 'production', /^DEPLOYMENT: "production" is not known.*allowed: prod, staging/],
    [
      'SAMOVAR_WAREHOUSE',
      'postgres://x',
      /^SAMOVAR_WAREHOUSE: "postgres:\/\/x" cannot be used; allowed: bigquery:PROJECT:DATASET or duckdb:FILE/,
    ],
    ['SAMOVAR_DEMO', 'maybe', /^SAMOVAR_DEMO: must be true or false, not "maybe"/],
  ])('%s=%s', (name, value, expected) => {
    expect(() => withEnv({ [name]: value })).toThrow(expected);
  });

  test('several at once, each on its line', () => {
    expect(() => withEnv({ BUILD_LIMIT: 'x', SAMOVAR_THREADS: 'y' })).toThrow(
      /SAMOVAR_THREADS.*\nBUILD_LIMIT/s,
    );
  });

  test('a flag', async () => {
    await expect(load({ threads: Number.NaN }, {})).rejects.toThrow(
      /^--threads: must be a whole number, not NaN/,
    );
  });

  test('a line of the file, even when a flag goes before it', async () => {
    await expect(load({ db: 'x' }, {}, 'db: 3\nthread: 1\n')).rejects.toThrow(
      /:1:5: db: must be text.*\n.*:2:1: unknown key "thread", did you mean "threads"/s,
    );
  });

  test('a settings file that was asked for and is not there', async () => {
    const config = join(folder, 'gone.yaml');
    await expect(loadSettings({ flags: { config }, env: {} })).rejects.toMatchObject({ code: 'config' });
  });
});

describe('the example file', async () => {
  const example = await readFile('config/samovar.example.yaml', 'utf8');
  const uncommented = example.replaceAll(/^# ([a-z_]+: \S.*)$/gm, '$1');

  test('shows every setting, each with a value that is allowed', () => {
    const { value } = parseConfig(uncommented, { file: 'samovar.example.yaml', schema });
    expect(Object.keys(value as object).sort()).toEqual(Object.keys(schema.properties as object).sort());
  });

  test('changes nothing as it is', async () => {
    const { sources: _, ...settings } = await load({}, {}, example);
    const { sources: __, ...defaults } = withEnv({});
    expect(settings).toEqual(defaults);
  });
});

test('a password inside a URL is masked when shown', () => {
  expect(masked('http://me:secret@host:1')).toBe('http://***@host:1');
  expect(masked('bigquery:a:b')).toBe('bigquery:a:b');
});
