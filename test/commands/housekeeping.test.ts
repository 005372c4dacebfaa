import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import { cli } from '../support/cli.ts';
import { junitXml, prowFolder } from '../support/prow.ts';
import { tempFolder } from '../support/temp.ts';

const COMMON = ['--buckets', 'buckets.yaml', '--db', 'b.db', '--warehouse', 'duckdb:w.duckdb'];
const OLD_MS = Date.parse('2026-01-01T12:00:00Z');

function folderWith(build: Parameters<ReturnType<typeof prowFolder>['build']>[2]): string {
  const cwd = tempFolder();
  prowFolder(join(cwd, 'bucket')).build('ci-a', snowflakeAt(OLD_MS), build);
  writeFileSync(join(cwd, 'buckets.yaml'), 'file:bucket/logs/:\n  sequential: false\n');
  return cwd;
}

describe('prune', () => {
  it('drops raw XML past its retention, after saying so; rows stay', async () => {
    const cwd = folderWith({
      finished: { timestamp: OLD_MS / 1000, passed: true },
      files: { 'artifacts/junit.xml': junitXml({ passed: 5 }) },
    });
    await cli(['make-db', '--junit', ...COMMON], { cwd });
    const prune = async (...flags: string[]) =>
      JSON.parse(
        (await cli(['prune', '--days', '7', '--json', ...flags, ...COMMON], { cwd })).stdout,
      ) as unknown;
    expect(await prune('--dry-run')).toMatchObject({ files: 1, dryRun: true });
    expect(await prune()).toMatchObject({ files: 1, dryRun: false });
    expect(await prune()).toMatchObject({ files: 0 });
    const rows = await cli(['make-json', ...COMMON], { cwd });
    expect(JSON.parse(rows.stdout)).toMatchObject({ tests_run: 5 });
  }, 60_000);
});

describe('dead letters', () => {
  it('are listed with their reason, exported for machines, and tried again when asked', async () => {
    const cwd = folderWith({ finished: '{"timestamp": 1, ' });
    await cli(['make-db', ...COMMON], { cwd });
    const list = await cli(['dead-letters', 'list', ...COMMON], { cwd });
    expect(list.stdout).toContain('malformed');
    expect(list.stdout).toContain('finished.json cannot be read');
    const exported = await cli(['dead-letters', 'export', '--kind', 'collect', ...COMMON], { cwd });
    expect(JSON.parse(exported.stdout)).toMatchObject({
      kind: 'collect',
      code: 'malformed',
      attempts: 1,
      job: 'ci-a',
    });
    expect((await cli(['dead-letters', 'retry', ...COMMON], { cwd })).stdout).toContain('1 dead letter');
    prowFolder(join(cwd, 'bucket')).build('ci-a', snowflakeAt(OLD_MS), {
      finished: { timestamp: 1, passed: false },
    });
    const mended = await cli(['make-db', '--json', ...COMMON], { cwd });
    expect(JSON.parse(mended.stdout)).toMatchObject({ stats: { rows: 1, failures: 0 } });
    expect((await cli(['dead-letters', 'list', ...COMMON], { cwd })).stdout).toBe('no dead letters\n');
  }, 60_000);
});
