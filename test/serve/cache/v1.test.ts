import { describe, expect, test } from 'vitest';
import { apiOf, fill, STATIC } from './serving.ts';

const USER = '/api/v1/packager_dashboard/kim';

function filled() {
  const made = apiOf();
  fill(made.cache);
  return made;
}

describe('the v1 answer', () => {
  test('has a user with own packages, those of groups, and every block by package', async () => {
    const { get } = filled();
    const { status, json } = await get(USER);
    expect(status).toBe(200);
    const { static_info: info, bzs, prs, abrt_reports: abrt } = json;
    expect([info.status, bzs.status, prs.status, abrt.status]).toEqual([200, 200, 200, 200]);
    expect(info.data).toMatchObject({
      packages: ['alpha', 'beta', 'gamma'],
      primary_packages: ['alpha', 'beta'],
      group_packages: { 'rust-sig': ['gamma'] },
    });
    expect(info.data.updates.beta).toEqual(STATIC.updates);
    expect(info.data.calendars.beta).toBeNull();
    expect(Object.keys(bzs.data)).toEqual(['alpha', 'beta', 'gamma']);
    expect(prs.data.gamma).toEqual([]);
  });

  test('one package', async () => {
    const { get } = filled();
    const { status, json } = await get('/api/v1/packager_dashboard/package/beta');
    expect([status, json.static_info.data.packages]).toEqual([200, ['beta']]);
    expect(Object.keys(json.bzs.data)).toEqual(['beta']);
  });

  test('a block of which a part is cached is 202, one of which nothing is 204', async () => {
    const { get, cache } = filled();
    cache.drop('package_bugs', 'beta');
    for (const name of ['alpha', 'beta', 'gamma']) cache.drop('package_prs', name);
    const { status, json, headers } = await get(USER);
    expect([status, headers.get('retry-after')]).toEqual([202, '10']);
    expect([json.bzs.status, json.prs.status, json.abrt_reports.status]).toEqual([202, 204, 200]);
    expect([Object.keys(json.bzs.data), json.prs.data]).toEqual([['alpha', 'gamma'], {}]);
  });

  test.each([
    ['/api/v1/packager_dashboard/nobody', 404],
    ['/api/v1/packager_dashboard/package/nothing', 404],
    ['/api/v1/packager_dashboard/a%2Fb', 400],
    ['/api/v1/packager_dashboard/package/%00', 400],
  ])('%s is %d', async (path, status) => {
    const { get } = filled();
    const answer = await get(path);
    expect([answer.status, answer.json.status]).toEqual([status, status]);
  });

  test('a user whose maps are not there yet is 202, not unknown', async () => {
    const { get } = apiOf();
    const { status, json } = await get(USER);
    expect([status, json.static_info.status]).toEqual([202, 202]);
  });
});

describe('pages of one entry', () => {
  test.each([
    ['/api/v1/releases', 'fedora_releases', { fedora: {}, epel: [9] }],
    ['/api/v1/landing_page', 'schedule', { schedule: [] }],
    ['/api/v1/packager_dashboard/all_fedora_packages', 'all_fedora_packages', ['alpha']],
    ['/api/v1/packager_dashboard/all_fedora_packagers', 'all_fedora_packagers', ['kim']],
    ['/api/v1/packager_dashboard/all_fedora_groups', 'all_fedora_groups', ['g']],
  ])('%s is what is cached, and 304 to who has it', async (path, provider, value) => {
    const { get, cache } = apiOf();
    const before = await get(path);
    expect([before.status, before.headers.get('retry-after')]).toEqual([202, '10']);
    expect(cache.wanted).toEqual([{ provider, key: '', reason: 'waiting' }]);
    cache.put(provider, '', value);
    const { status, json, headers } = await get(path);
    expect([status, json, headers.get('cache-control')]).toEqual([200, value, 'no-cache']);
    const known = { 'if-none-match': headers.get('etag') ?? '' };
    expect((await get(path, { headers: known })).status).toBe(304);
    cache.put(provider, '', value);
    expect((await get(path, { headers: known })).status).toBe(200);
  });

  test('settings that clients ask for', async () => {
    const { get } = apiOf();
    expect((await get('/api/v1/packager_dashboard_caching')).json).toEqual({
      visits_required_every_n_days: 14,
    });
    expect((await get('/api/v1/deployment_env')).json).toEqual({ deployment_env: 'stg' });
  });
});

describe('any entry', () => {
  test('is given with its state', async () => {
    const { get } = filled();
    const { status, json } = await get('/api/v2/entries/package_bugs?key=alpha');
    expect(status).toBe(200);
    expect(json).toMatchObject({ provider: 'package_bugs', key: 'alpha', state: 'fresh', error: null });
    expect(json.value).toEqual([{ bug_id: 1, title: 'a bug of alpha', private: false }]);
  });

  test('a stranger cannot make it fetch keys that nobody has heard of', async () => {
    const { get, cache } = filled();
    expect((await get('/api/v2/entries/package_bugs?key=http://evil.example')).status).toBe(404);
    expect(cache.wanted).toEqual([]);
  });

  test.each(['package_private_bugs?key=alpha', 'nothing', '..%2f', 'package_private_bugs'])(
    '%s is not there for strangers',
    async (path) => {
      const { get } = filled();
      const { status, text } = await get(`/api/v2/entries/${path}`);
      expect(status).toBe(404);
      expect(text).not.toContain('secret');
    },
  );
});
