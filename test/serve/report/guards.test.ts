import { describe, expect, it } from 'vitest';
import { SamovarError } from '../../../pipeline/errors.ts';
import type { JobPage, JobSummary } from '../../../pipeline/report/models.ts';
import { createHostCheck } from '../../../pipeline/serve/report/hosts.ts';
import { serverOf, sourceOf } from './serving.ts';

const HOSTILE = [
  'a/b//c',
  '../../etc/passwd',
  '%2F 100%',
  '<script>alert(1)</script>',
  `"><img src=x onerror=alert(1)>`,
  `'; DROP TABLE builds; --`,
  'новый \u202e job 🫖',
  'a?b#c&d=e',
  '..%2f',
  ' ',
];

const summary: JobSummary = {
  ...{ job: '', runs: 1, passed: 1, recent: [], failedInARow: 0, lastPassedS: null, lastStartedS: null },
  ...{ p50S: null, p99S: null, testsRun: 0, testsFailed: 0, flakyTests: 0 },
};
const asked = { sql: 'SELECT 1' };

function pageOf(job: string): JobPage {
  const own = { ...summary, job };
  const grid = { job, builds: [], rows: [], testsTotal: 0, asked };
  return { summary: own, grid, days: [], flaky: [], asked: { days: asked, flaky: asked } };
}

const source = sourceOf({
  jobs: async () => ({ jobs: HOSTILE.map((job) => ({ ...summary, job })), asked }),
  job: async (job) => pageOf(job),
  searchTests: async (text) => [{ job: text, test: text, runs: 1, failed: 1, flaky: 0, commitsBoth: 0 }],
});

describe('names', () => {
  const { get } = serverOf({ source });

  it.each(HOSTILE)('%j goes through an address and comes back as it was', async (name) => {
    const answer = await get(`/api/v1/jobs/${encodeURIComponent(name)}`);
    expect(answer.status).toBe(200);
    expect(answer.json.summary.job).toBe(name);
    const page = await get(`/job?name=${encodeURIComponent(name)}`);
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/<script>alert|<img/);
    expect((await get(`/tests?q=${encodeURIComponent(name)}`)).text).not.toMatch(/<script>alert|<img/);
  });

  it('a job that is not there is asked of nobody', async () => {
    const answer = await get('/api/v1/jobs/nope');
    expect(answer.status).toBe(404);
    expect(answer.json).toMatchObject({
      status: 404,
      error: 'there is no such job in the time that is shown',
    });
    expect((await get('/job?name=nope')).status).toBe(404);
    expect((await get(`/job?name=${'x'.repeat(5_000)}`)).status).toBe(404);
    expect((await get(`/test?name=${'x'.repeat(5_000)}`)).status).toBe(414);
  });
});

describe('every answer', () => {
  const { get } = serverOf({ source });

  it.each(['/jobs', '/api/v1/jobs', '/nothing', '/api/v1/nothing', '/healthz', '/assets/none'])(
    '%s keeps browsers from guessing, framing and loading',
    async (path) => {
      const { headers } = await get(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      const policy = headers.get('content-security-policy');
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    },
  );

  it('takes GET and HEAD only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      for (const path of ['/', '/api/v1/jobs', '/nothing']) {
        const answer = await get(path, { method });
        expect(answer.status, `${method} ${path}`).toBe(405);
        expect(answer.headers.get('allow')).toBe('GET, HEAD');
      }
    const head = await get('/api/v1/jobs', { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.text).toBe('');
  });

  it('is not sent again to whom has it', async () => {
    for (const path of ['/jobs', '/api/v1/jobs', '/api/v1/queries', '/api/openapi.json']) {
      const first = await get(path);
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"/);
      const again = await get(path, { headers: { 'if-none-match': etag } });
      expect(again.status).toBe(304);
      expect(again.text).toBe('');
      expect((await get(path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
    }
  });

  it('with a wrong number says which', async () => {
    for (const wish of ['builds=0', 'builds=501', 'tests=1e3', 'tests=-1', 'builds=']) {
      const answer = await get(`/api/v1/jobs/${encodeURIComponent('a/b//c')}/grid?${wish}`);
      expect(answer.status, wish).toBe(400);
      expect(answer.json.error).toMatch(/^(builds|tests) is no whole number from 1 to \d+$/);
    }
    expect((await get('/api/v1/builds')).json.error).toBe('path is missing: the URL of a build');
  });
});

describe('the name that a server is called by', () => {
  it.each([
    ['localhost:8080', true],
    ['LOCALHOST.', true],
    ['127.0.0.1:1', true],
    ['[::1]:8080', true],
    ['192.168.7.7', true],
    ['ci.example.org', true],
    ['CI.example.org:443', true],
    ['evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['localhost.evil.example', false],
    ['', false],
  ])('%j counts: %s', (name, counts) => {
    expect(createHostCheck(['127.0.0.1', 'ci.example.org'])(name)).toBe(counts);
  });

  it('another name gets no answer but a probe', async () => {
    const { get } = serverOf({ source });
    const headers = { host: 'evil.example' };
    for (const path of ['/', '/jobs', '/api/v1/jobs', '/api/openapi.json'])
      expect((await get(path, { headers })).status, path).toBe(403);
    expect((await get('/healthz', { headers })).status).toBe(200);
  });
});

describe('a warehouse that does not answer', () => {
  const failing = (error: unknown) =>
    serverOf({ source: sourceOf({ overview: async () => Promise.reject(error) }) });

  it('is told without words of its own', async () => {
    const { get, logged } = failing(new SamovarError('denied', 'key AKIA-SECRET was refused'));
    const answer = await get('/api/v1/overview');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('30');
    const page = await get('/');
    expect(page.status).toBe(503);
    expect(page.text + answer.text).not.toContain('SECRET');
    expect(logged.join()).toContain('SECRET');
    expect((await get('/readyz')).status).toBe(503);
    expect((await get('/healthz')).status).toBe(200);
  });

  it('and has no table yet, with what to do', async () => {
    const remedy = 'Run `./runner.sh --once` to fill it.';
    const { get } = failing(new SamovarError('missing', 'there is no such file yet', { remedy }));
    const page = await get('/');
    expect(page.status).toBe(503);
    expect(page.text).toContain('There is no such file yet.');
    expect(page.text).toContain('<code>./runner.sh --once</code>');
    expect((await get('/api/v1/overview')).json).toMatchObject({ status: 503, remedy });
  });

  it('shows an old page as old', async () => {
    let fail = false;
    const { get, clock } = serverOf({
      source: sourceOf({
        jobs: async () => {
          if (fail) throw new SamovarError('conflict', 'locked by 4711');
          return { jobs: [], asked };
        },
      }),
    });
    expect((await get('/jobs')).headers.get('samovar-stale')).toBeNull();
    fail = true;
    clock.ms += 600_000;
    const page = await get('/jobs');
    expect(page.status).toBe(200);
    expect(page.headers.get('age')).toBe('600');
    expect(page.headers.get('samovar-stale')).toBe('the warehouse is being written, and cannot be read now');
    expect(page.text).toContain(
      'This is 10 minutes old: the warehouse is being written, and cannot be read now.',
    );
  });
});
