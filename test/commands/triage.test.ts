import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import type { TriageResult } from '../../pipeline/triage/types.ts';
import { cli } from '../support/cli.ts';
import { prowFolder } from '../support/prow.ts';
import { tempFolder } from '../support/temp.ts';

const COMMON = ['--buckets', 'buckets.yaml', '--db', 'b.db', '--warehouse', 'duckdb:w.duckdb'];
const HOUR_MS = 3_600_000;

/** A bucket with three failed builds, whose texts would order a terminal about. */
function folder(): string {
  const cwd = tempFolder();
  const bucket = prowFolder(join(cwd, 'bucket'));
  for (let hours = 3; hours > 0; hours -= 1) {
    const atMs = Date.now() - hours * HOUR_MS;
    const text = `cannot reach 10.0.0.${hours}:443 \u202e reversed after ${hours}.5s &lt;b&gt;${'x'.repeat(50)}`;
    const test = `<testcase name="[sig-network] reach"><failure>${text}</failure></testcase>`;
    bucket.build('ci-a', snowflakeAt(atMs), {
      finished: { timestamp: Math.floor(atMs / 1000), passed: false },
      files: { 'artifacts/junit.xml': `<testsuite>${test}</testsuite>` },
    });
  }
  writeFileSync(join(cwd, 'tables.yaml'), 'all:\n  days: 0\n');
  writeFileSync(join(cwd, 'buckets.yaml'), 'file:bucket/logs/:\n  sequential: false\n');
  return cwd;
}

describe('samovar triage', () => {
  it('shows clusters with their owner, writes them as JSON, and takes owners from a file', async () => {
    const cwd = folder();
    await cli(['make-db', '--junit', ...COMMON], { cwd });
    const table = await cli(['triage', '--out', 'out', '--db', 'b.db'], { cwd });
    expect(table.stderr).not.toContain('"level":50');
    expect(table.code).toBe(0);
    expect(table.stdout).toMatch(/3 +3 +1 +1 +sig-network .*cannot reach <address>/);
    expect(table.stdout).toContain('3 failures in 3 builds of 14 days, 1 clusters; 3 builds read');
    // Nothing but letters, spaces and line ends reaches the terminal.
    expect(table.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    const written = JSON.parse(readFileSync(join(cwd, 'out/clusters.json'), 'utf8')) as TriageResult;
    expect(written).toMatchObject({ format: 1, clustersTotal: 1, clusters: [{ builds: 3, jobsTotal: 1 }] });
    writeFileSync(join(cwd, 'owners.yaml'), '- owner: nets\n  text: "*<address>*"\n');
    const json = await cli(['triage', '--json', '--owners', 'owners.yaml', '--db', 'b.db'], { cwd });
    expect(JSON.parse(json.stdout)).toMatchObject({
      clusters: [{ id: written.clusters[0]?.id, owner: 'nets' }],
    });
  }, 120_000);

  it('finds the same in a table of the warehouse, which it reads once', async () => {
    const cwd = folder();
    await cli(['update', '--tables-file', 'tables.yaml', ...COMMON], { cwd });
    const of = async (...flags: string[]) =>
      JSON.parse((await cli(['triage', '--json', '--db', 'b.db', ...flags], { cwd })).stdout) as TriageResult;
    const warehouse = ['--warehouse', 'duckdb:w.duckdb', '--table', 'all'];
    const [rows, table] = [await of(), await of(...warehouse)];
    expect(table.clusters).toEqual(rows.clusters);
    expect(table.clusters).toMatchObject([{ builds: 3, owner: 'sig-network' }]);
    const again = await cli(['triage', '--db', 'b.db', ...warehouse], { cwd });
    expect(again.stdout).toContain('1 clusters; 0 builds read');
  }, 120_000);

  it('says what is wrong with a flag or a file of owners', async () => {
    const cwd = tempFolder();
    const days = await cli(['triage', '--days', '0', '--db', 'b.db'], { cwd });
    expect([days.code, days.stderr]).toEqual([2, expect.stringContaining('--days')]);
    writeFileSync(join(cwd, 'owners.yaml'), '- owner: nets\n  tests: "*"\n');
    const owners = await cli(['triage', '--owners', 'owners.yaml', '--db', 'b.db'], { cwd });
    expect([owners.code, owners.stderr]).toEqual([2, expect.stringContaining('owners.yaml:2')]);
  }, 120_000);
});
