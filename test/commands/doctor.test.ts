import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CheckResult } from '../../pipeline/jobs/doctor.ts';
import { cli } from '../support/cli.ts';
import { tempFolder } from '../support/temp.ts';

const SLOW = 60_000;

async function doctor(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { code, stdout, stderr } = await cli(['doctor', '--json', ...args], { cwd, env });
  const results = JSON.parse(stdout) as readonly CheckResult[];
  return { code, stderr, results, of: (name: string) => results.find((result) => result.name === name) };
}

/** A server that refuses everything, and whose clock is wrong by so much. */
async function strangeServer(aheadMs: number): Promise<string> {
  const server = createServer((_, response) => {
    response.sendDate = false;
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
    response.writeHead(403).end('{"error": {"code": 403, "message": "forbidden"}}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('samovar doctor', () => {
  it(
    'settings that cannot be read are a finding like any other, and the rest is checked',
    async () => {
      const { code, of } = await doctor(tempFolder(), [], { SAMOVAR_THREADS: 'many' });
      expect(code).toBe(1);
      expect(of('settings')).toMatchObject({
        state: 'failed',
        detail: expect.stringContaining('SAMOVAR_THREADS'),
      });
      expect(of('Node.js')?.state).toBe('ok');
    },
    SLOW,
  );

  it(
    'a wrong buckets file and a wrong tables file are both told, with their lines',
    async () => {
      const cwd = tempFolder();
      writeFileSync(join(cwd, 'buckets.yaml'), 'gs://bucket/logs/:\n  sequentiall: false\n');
      writeFileSync(join(cwd, 'tables.yaml'), 'all:\n  days: -1\n');
      const { code, of } = await doctor(cwd, [
        '--buckets',
        'buckets.yaml',
        '--tables-file',
        'tables.yaml',
        '--offline',
      ]);
      expect(code).toBe(1);
      expect(of('buckets')).toMatchObject({
        state: 'failed',
        detail: expect.stringContaining('buckets.yaml:2'),
      });
      expect(of('tables')).toMatchObject({
        state: 'failed',
        detail: expect.stringContaining('tables.yaml:2'),
      });
    },
    SLOW,
  );

  it(
    'a damaged database fails, with what to do',
    async () => {
      const cwd = tempFolder();
      writeFileSync(join(cwd, 'b.db'), 'no database'.repeat(100));
      const { code, of } = await doctor(cwd, ['--db', 'b.db', '--offline']);
      expect(code).toBe(1);
      expect(of('integrity')).toMatchObject({ state: 'failed', remedy: expect.stringContaining('copy') });
    },
    SLOW,
  );

  it(
    'a server that refuses and whose clock differs: each is told, nothing is asked twice',
    async () => {
      const cwd = tempFolder();
      writeFileSync(join(cwd, 'buckets.yaml'), 'gs://bucket/logs/:\n  sequential: false\n');
      const endpoint = await strangeServer(600_000);
      const args = [
        '--buckets',
        'buckets.yaml',
        '--warehouse',
        'bigquery:my-project:builds',
        '--timeout',
        '20',
      ];
      const env = { SAMOVAR_STORAGE_ENDPOINT: endpoint, SAMOVAR_BIGQUERY_ENDPOINT: endpoint };
      const { code, of } = await doctor(cwd, args, env);
      expect(code).toBe(1);
      expect(of('clock')).toMatchObject({
        state: 'failed',
        detail: expect.stringMatching(/^(599|600|601) s behind/),
      });
      expect(of('gs://bucket/logs/')).toMatchObject({
        state: 'failed',
        detail: expect.stringContaining('403'),
      });
      expect(of('bigquery:my-project:builds')?.state).toBe('failed');
      expect(of('Google')?.state).toBe('skipped');
      const offline = await doctor(cwd, [...args, '--offline'], env);
      expect(offline.results.filter(({ state }) => state === 'failed')).toEqual([]);
      expect(offline.code).toBe(0);
    },
    SLOW,
  );

  it(
    'a key that is broken is told, and nothing of it',
    async () => {
      const cwd = tempFolder();
      writeFileSync(join(cwd, 'buckets.yaml'), 'gs://bucket/logs/:\n  sequential: false\n');
      const key = {
        type: 'service_account',
        client_email: 'a@b.iam.gserviceaccount.com',
        private_key: 'hush-hush',
      };
      writeFileSync(join(cwd, 'key.json'), JSON.stringify(key));
      const env = { GOOGLE_APPLICATION_CREDENTIALS: join(cwd, 'key.json') };
      const { results, of } = await doctor(cwd, ['--buckets', 'buckets.yaml', '--timeout', '9'], env);
      expect(of('Google')?.state).toBe('failed');
      expect(JSON.stringify(results)).not.toContain('hush-hush');
    },
    SLOW,
  );

  it(
    'secrets that everybody can read are a warning, which is no failure',
    async () => {
      const cwd = tempFolder();
      writeFileSync(join(cwd, 'tokens'), 'ghp_hush\n');
      chmodSync(join(cwd, 'tokens'), 0o644);
      const { code, of, results } = await doctor(cwd, ['--offline'], { SAMOVAR_GITHUB_TOKEN_FILE: 'tokens' });
      expect(of('GitHub tokens')).toMatchObject({ state: 'warning', remedy: 'chmod 600 tokens' });
      expect(JSON.stringify(results)).not.toContain('ghp_hush');
      expect(code).toBe(0);
    },
    SLOW,
  );
});
