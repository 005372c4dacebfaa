import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { holdDatabase } from '../../pipeline/store/hold.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { cli } from '../support/cli.ts';
import { addRow, NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const SLOW = 60_000;

describe('samovar status', () => {
  it(
    'on a machine where nothing was configured or collected: three words on what to do',
    async () => {
      const cwd = tempFolder();
      const { code, stdout, stderr } = await cli(['status'], { cwd });
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(
        /^Database: +data\/build\.db is not there yet\nNext: +samovar update +\(.* demo .*\)\n$/,
      );
    },
    SLOW,
  );

  it(
    'names who works on the database, and says what waits',
    async () => {
      const cwd = tempFolder();
      mkdirSync(join(cwd, 'data'));
      const file = join(cwd, 'data/build.db');
      const store = openStore(file, { nowMs: () => NOW_MS });
      await addRow(store);
      onTestFinished(() => store.close());
      const about = { command: 'update', waitMs: 0, nowMs: () => Date.now(), sleep: async () => undefined };
      const release = await holdDatabase(file, { ...about, signal: new AbortController().signal });
      onTestFinished(release);
      writeFileSync(join(cwd, 'buckets.yaml'), 'gs://bucket/logs/:\n  sequential: false\n');
      const { code, stdout } = await cli(['status', '--buckets', 'buckets.yaml'], { cwd });
      expect(code).toBe(0);
      expect(stdout.trim().split('\n').length).toBeLessThanOrEqual(10);
      expect(stdout).toContain('1 build (1 finished, 0 watched)');
      expect(stdout).toMatch(new RegExp(`At work: +samovar update, process ${process.pid} on `));
      expect(stdout).toMatch(/Tables: +.*all 0, 1 waiting/);
      expect(stdout).toContain('look again later');
    },
    SLOW,
  );

  it(
    'a database that cannot be read is said, not thrown',
    async () => {
      const cwd = tempFolder();
      writeFileSync(join(cwd, 'b.db'), 'no database'.repeat(100));
      const { code, stdout } = await cli(['status', '--db', 'b.db'], { cwd });
      expect(code).toBe(0);
      expect(stdout).toMatch(/Database: +b\.db: cannot look into the database b\.db.*\n/);
      expect(stdout).toMatch(/Next: +samovar doctor/);
    },
    SLOW,
  );
});
