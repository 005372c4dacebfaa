import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cache } from '../../../pipeline/cache/engine.ts';
import { openCache } from '../../../pipeline/cache/open.ts';
import { scheduleOnce } from '../../../pipeline/cache/scheduler.ts';
import { workOnce } from '../../../pipeline/cache/worker.ts';
import { openUpstream } from '../../../pipeline/collect/sources/http/upstream.ts';
import { demoProviders } from '../../../pipeline/demo/cache-config.ts';
import { type RunningUpstreams, startCacheUpstreams } from '../../../pipeline/demo/cache-server.ts';
import { loadProviders } from '../../../pipeline/providers/index.ts';
import { createSeal } from '../../../pipeline/serve/cache/sealed.ts';
import { openStore } from '../../../pipeline/store/open.ts';
import { tempFolder } from '../../support/temp.ts';
import { apiOf, NO_AUTH } from './serving.ts';

const KEY = 'the key of a test';
const SESSION = 'the sessions of a test';
const USER = '/api/v2/packager_dashboard?users=adamova';
const folder = tempFolder();
const ends: (() => unknown)[] = [];
let made: Awaited<ReturnType<typeof started>>;

/** Recorded upstreams, the providers of the demo, a worker and the API over one database file. */
async function started() {
  const upstreams: RunningUpstreams = await startCacheUpstreams({
    seed: 1,
    nowMs: Date.now(),
    bugzillaKey: KEY,
  });
  ends.push(upstreams.close);
  const file = join(folder, 'providers.yaml');
  writeFileSync(file, demoProviders(upstreams.urls));
  const loaded = await loadProviders(file, {
    secret: (name) => (name === 'bugzilla_api_key' ? KEY : undefined),
    openWarehouse: () => Promise.reject(new Error('no warehouse')),
  });
  const nowMs = Date.now;
  const store = openStore(join(folder, 'cache.db'), { nowMs });
  ends.push(store.close);
  const parts = { store, ...loaded, nowMs, seenMs: 86_400_000 };
  const { signal } = new AbortController();
  const running = { nowMs, random: () => 0.5, sleep: (ms: number) => sleep(ms), signal };
  const hosts = store.cache.hosts;
  const http = openUpstream({
    ...running,
    hosts,
    budgets: loaded.hosts,
    userAgent: 'test (nobody@example.com)',
  });
  ends.push(http.close);
  const cache: Cache = openCache(parts);
  const work = () => workOnce({ ...parts, ...running, http, name: 'w', concurrency: 8 });
  const oidc = {
    issuer: 'http://localhost:1',
    clientId: 'c',
    clientSecret: undefined,
    adminGroup: undefined,
  };
  const auth = { ...NO_AUTH, sessionKey: SESSION, adminToken: 'x', oidc: { ...oidc, privateGroup: 'g' } };
  const api = apiOf<Cache>({ cache, nowMs, auth, publicUrl: 'http://cache.test', publicDashboard: true });
  return { ...api, upstreams, parts, work };
}

beforeAll(async () => {
  made = await started();
});
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

/** Polls as a client does, with a worker behind, until the answer is complete. */
async function complete(path: string) {
  for (let poll = 0; poll < 10; poll += 1) {
    const answer = await made.get(path);
    if (answer.status !== 202) return answer;
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    await made.work();
    // What waits a moment for a host's next turn.
    await sleep(50);
  }
  throw new Error(`${path} stays partial`);
}

describe('the API over a real cache, recorded upstreams and a worker', () => {
  test('nothing is cached: 202 at once, without any upstream; then all is there', async () => {
    const cold = await made.get(USER);
    expect([cold.status, cold.json.packages, made.upstreams.requests()]).toEqual([202, {}, 0]);
    const { status, json } = await complete(USER);
    expect([status, json.error]).toEqual([200, null]);
    const packages = Object.values(json.packages) as { data: Record<string, unknown> }[];
    expect(packages.length).toBeGreaterThan(3);
    for (const { data } of packages) expect(Object.keys(data)).toHaveLength(10);
  });

  test('both generations of clients get what the OpenAPI document says', async () => {
    const document = JSON.parse(readFileSync('schemas/openapi/cache.json', 'utf8'));
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ ...document, $id: 'cache' });
    const cases = [
      [USER, 'Dashboard'],
      ['/api/v2/packager_dashboard?groups=rust-sig', 'Dashboard'],
      ['/api/v2/packager_dashboard?users=orphan', 'Dashboard'],
      ['/api/v2/packager_dashboard?packages=constructor,gtk%2B,0ad', 'Dashboard'],
      ['/api/v1/packager_dashboard/adamova', 'DashboardV1'],
      ['/api/v1/packager_dashboard/package/kernel', 'DashboardV1'],
      ['/api/v1/releases', 'Releases'],
      ['/api/v1/landing_page', 'LandingPage'],
      ...['packages', 'packagers', 'groups'].map((what) => [
        ...[`/api/v1/packager_dashboard/all_fedora_${what}`, 'Names'],
      ]),
      ['/api/v2/entries/koschei_failing', 'Entry'],
      ['/status', 'Status'],
    ] as const;
    for (const [path = '', schema] of cases) {
      const { status, json } = await complete(path);
      const validate = ajv.compile({ $ref: `cache#/components/schemas/${schema}` });
      expect([path, status, validate(json), validate.errors]).toEqual([path, 200, true, null]);
    }
  });

  test('a hundred polls ask no upstream, and send the body once', async () => {
    const { headers } = await complete(USER);
    const before = made.upstreams.requests();
    const etag = headers.get('etag') ?? '';
    for (let poll = 0; poll < 100; poll += 1)
      expect((await made.get(USER, { headers: { 'if-none-match': etag } })).status).toBe(304);
    await made.work();
    expect(made.upstreams.requests()).toBe(before);
  });

  test('who does not exist is unknown, and no job is made of the name', async () => {
    await complete(USER);
    const jobs = made.cache.jobs().length;
    expect((await made.get('/api/v2/packager_dashboard?users=nobody')).status).toBe(404);
    expect((await made.get('/api/v1/packager_dashboard/package/nothing')).status).toBe(404);
    expect(made.cache.jobs().length).toBe(jobs);
  });

  test('private bugs are in the answers of members, and in no others', async () => {
    const all = (await complete('/api/v1/packager_dashboard/all_fedora_packages')).json as string[];
    const path = `/api/v2/packager_dashboard?packages=${all.map(encodeURIComponent).join(',')}`;
    const stranger = await complete(path);
    const session = { user: 'kim', groups: ['g'], isAdmin: false, maySeePrivate: true, csrf: 'c' };
    const sealed = createSeal(SESSION).seal('session', session, Date.now() + 60_000);
    const headers = { cookie: `samovar_session=${sealed}` };
    let member = await made.get(path, { headers });
    for (let poll = 0; poll < 10 && member.status === 202; poll += 1) {
      await made.work();
      await sleep(50);
      member = await made.get(path, { headers });
    }
    expect(member.status).toBe(200);
    expect(member.text).toContain('"private":true');
    expect(stranger.text).not.toContain('"private":true');
    expect((await made.get(path)).text).not.toContain('"private":true');
  });

  test('it is ready once a scheduler holds its lease, and the dashboard shows it', async () => {
    expect((await made.get('/readyz')).status).toBe(503);
    scheduleOnce({ ...made.parts, name: 'the scheduler' });
    expect((await made.get('/readyz')).status).toBe(200);
    const { status, text } = await made.get('/dashboard');
    expect(status).toBe(200);
    for (const name of ['the scheduler', 'bodhi_updates', 'koschei_failing']) expect(text).toContain(name);
    expect(text, 'everybody may look').not.toContain('package_private_bugs');
    expect((await made.get('/metrics')).text).toMatch(
      /samovar_cache_entries\{provider="package_bugs",state="fresh"\} \d/,
    );
  });
});
