import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli } from './support/cli.ts';
import { tempFolder } from './support/temp.ts';

const cwd = tempFolder();
const LIMIT_MS = 60_000;

beforeAll(async () => {
  expect((await cli(['update'], { cwd })).code).toBe(0);
}, 120_000);

describe('--json: one value on stdout, and nothing else', () => {
  it.each<[string, number]>([
    ['update --dry-run', 0],
    ['stream --dry-run', 0],
    ['setup --dry-run', 0],
    ['make-db --dry-run', 0],
    ['make-json --dry-run', 0],
    ['make-json --table week --out week.json.gz', 0],
    ['bq-load --table all --dry-run', 0],
    ['backfill --since 30d --dry-run', 0],
    ['prune --dry-run', 0],
    ['ledger show', 0],
    ['ledger verify', 0],
    ['ledger repair --dry-run', 0],
    ['dead-letters list', 0],
    ['query --list', 0],
    ['query failures', 0],
    ['query failures --dry-run', 0],
    ['triage --limit 2', 0],
    ['metrics --out metrics --dry-run', 0],
    ['config check', 0],
    ['config show', 0],
    ['cache load --dry-run --db cache.db', 0],
  ])(
    'samovar %s',
    async (line, code) => {
      const run = await cli([...line.split(' '), '--json'], { cwd });
      expect(run.code, run.stderr).toBe(code);
      expect(() => JSON.parse(run.stdout) as unknown, run.stdout.slice(0, 300)).not.toThrow();
    },
    LIMIT_MS,
  );
});

describe('--dry-run writes nothing outside', () => {
  /** Every file but the database's own, with its size and time. */
  async function outside(): Promise<readonly string[]> {
    const files = await readdir(cwd, { recursive: true, withFileTypes: true });
    return files
      .filter((entry) => entry.isFile() && !/\.db(-wal|-shm|\.hold|\.triage.*)?$/.test(entry.name))
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const { size, mtimeMs } = statSync(path);
        return `${path} ${size} ${mtimeMs}`;
      })
      .sort();
  }

  it.each([
    'update --dry-run',
    'stream --dry-run',
    'make-db --junit --dry-run',
    'make-json --reset-emitted --out again.json.gz --dry-run',
    'bq-load --table week --replace --dry-run',
    'backfill --since 2020-01-01 --out file:shards/ --dry-run',
    'triage --out clusters --dry-run',
    'metrics --out metrics --dry-run',
    'ledger repair --dry-run',
    'cache load --db cache.db --dry-run',
  ])(
    'samovar %s',
    async (line) => {
      const before = await outside();
      const run = await cli(line.split(' '), { cwd });
      expect(run.code, run.stderr).toBe(0);
      expect(run.stdout).not.toBe('');
      expect(await outside()).toEqual(before);
    },
    LIMIT_MS,
  );
});
