import { describe, expect, test } from 'vitest';
import { apiOf, fill, START_MS, STATIC } from './serving.ts';

const USER = '/api/v2/packager_dashboard?users=kim';

function filled() {
  const made = apiOf();
  fill(made.cache);
  return made;
}

describe('the v2 answer', () => {
  test('has every block of every package, spliced as it was stored', async () => {
    const { get } = filled();
    const { status, json, headers } = await get(USER);
    expect([status, json.status, json.error]).toEqual([200, 200, null]);
    expect(headers.get('retry-after')).toBeNull();
    expect(Object.keys(json.packages)).toEqual(['alpha', 'beta']);
    const { maintainers, admins: _, missing: __, ...data } = STATIC;
    expect(json.packages.alpha.maintainers).toEqual(maintainers);
    expect(json.packages.alpha.data).toEqual({
      ...data,
      bzs: [{ bug_id: 1, title: 'a bug of alpha', private: false }],
      prs: [],
      abrt_reports: { outstanding_problems: [], problems_present: false },
    });
    const iso = new Date(START_MS).toISOString();
    expect(json.packages.alpha.blocks.bzs).toEqual({ state: 'fresh', checked_at: iso });
    expect(json.blocks.static).toEqual({ state: 'fresh', oldest_checked_at: iso, missing: 0 });
  });

  test('required_acl=admin leaves out what may only be committed to', async () => {
    const { get } = filled();
    const { json } = await get(`${USER}&required_acl=admin`);
    expect(Object.keys(json.packages)).toEqual(['alpha']);
  });

  test('users, groups and packages are put together, each once', async () => {
    const { get } = filled();
    const { json } = await get('/api/v2/packager_dashboard?users=kim&groups=rust-sig&packages=gamma,alpha');
    expect(Object.keys(json.packages)).toEqual(['alpha', 'beta', 'gamma']);
  });

  test('is partial, with defaults and a time to ask again, until all is there', async () => {
    const { get, cache } = filled();
    cache.drop('package_bugs', 'alpha');
    cache.drop('abrt_issues', 'alpha');
    const { status, json, headers } = await get(USER);
    expect([status, json.status, headers.get('retry-after')]).toEqual([202, 202, '10']);
    expect(json.packages.alpha.data.bzs).toEqual([]);
    expect(json.packages.alpha.data.abrt_reports).toEqual({
      outstanding_problems: [],
      problems_present: false,
    });
    expect(json.packages.alpha.blocks.bzs).toEqual({ state: 'missing', checked_at: null });
    expect(json.blocks.bzs).toMatchObject({ state: 'missing', missing: 1 });
    cache.put('package_bugs', 'alpha', []);
    cache.put('abrt_issues', 'alpha', undefined);
    expect((await get(USER)).status, 'that there is nothing is an answer').toBe(200);
  });

  test('a hundred polls want what is missing once', async () => {
    const { get, cache, clock } = filled();
    cache.drop('package_bugs', 'alpha');
    for (let poll = 0; poll < 100; poll += 1) {
      cache.put('schedule', '', poll);
      await get(USER);
    }
    const want = { provider: 'package_bugs', key: 'alpha', reason: 'waiting' };
    expect(cache.wanted).toEqual([want]);
    clock.ms += 60_000;
    await get(USER);
    expect(cache.wanted, 'a job that was lost is wanted again').toEqual([want, want]);
  });

  test('what is stale is served whole, and wanted when there is time', async () => {
    const { get, cache } = filled();
    cache.put('package_prs', 'beta', [{ title: 'old' }], {
      state: 'stale',
      checkedAtMs: START_MS - 4_000_000,
    });
    const { status, json } = await get(USER);
    expect(status).toBe(200);
    expect(json.packages.beta.data.prs).toEqual([{ title: 'old' }]);
    expect(json.packages.beta.blocks.prs.state).toBe('stale');
    expect(cache.wanted).toEqual([{ provider: 'package_prs', key: 'beta', reason: 'schedule' }]);
  });

  test('what fails is served old, with its error', async () => {
    const { get, cache } = filled();
    const error = { code: 'unavailable', message: 'x'.repeat(5_000), atMs: START_MS };
    cache.put('package_prs', 'beta', [{ title: 'old' }], { state: 'error', error });
    const { status, json } = await get(USER);
    expect(status).toBe(200);
    expect(json.packages.beta.blocks.prs).toMatchObject({ state: 'error', error: { code: 'unavailable' } });
    expect(json.packages.beta.blocks.prs.error.message).toHaveLength(200);
  });

  test('nothing but failures is asked for again later', async () => {
    const { get, cache } = filled();
    const error = { code: 'unavailable', message: 'no', atMs: START_MS };
    cache.put('package_prs', 'beta', undefined, { state: 'missing', isAbsent: false, error });
    const { status, headers } = await get(USER);
    expect([status, headers.get('retry-after')]).toEqual([202, '60']);
  });

  test('blocks of which nothing is known make it partial, those that are off do not', async () => {
    const { get, cache } = filled();
    cache.put('package_static', 'alpha', { ...STATIC, missing: ['koschei', 'fails_to_install'] });
    const { status, json } = await get('/api/v2/packager_dashboard?packages=alpha');
    expect([status, json.error]).toEqual([202, 'not known yet: koschei']);
    expect(cache.wanted).toEqual([{ provider: 'koschei_data', key: '', reason: 'waiting' }]);
    cache.put('package_static', 'alpha', { ...STATIC, missing: ['fails_to_install'] });
    expect((await get('/api/v2/packager_dashboard?packages=alpha')).status).toBe(200);
  });
});

describe('who is asked for', () => {
  test('an unknown name alone is 404; beside known ones it is named in `error`', async () => {
    const { get, cache } = filled();
    const alone = await get('/api/v2/packager_dashboard?users=nobody');
    expect([alone.status, alone.json]).toMatchObject([
      404,
      { status: 404, error: 'unknown: user nobody', packages: {} },
    ]);
    const beside = await get('/api/v2/packager_dashboard?users=kim,nobody&packages=nothing');
    expect([beside.status, beside.json.error]).toEqual([200, 'unknown: user nobody, package nothing']);
    expect(cache.seenSubjects, 'who does not exist is not kept warm').not.toContain('user nobody');
    expect(cache.seenSubjects).toContain('user kim');
    expect(cache.seenSubjects).toContain('package beta');
  });

  test('a user without packages is known, and has none', async () => {
    const { get } = filled();
    const { status, json } = await get('/api/v2/packager_dashboard?users=lee');
    expect([status, json.packages]).toEqual([200, {}]);
  });

  test('before anything is cached nobody is unknown: the maps are wanted', async () => {
    const { get, cache } = apiOf();
    const { status, json } = await get('/api/v2/packager_dashboard?users=kim&packages=alpha');
    expect([status, json.packages]).toEqual([202, {}]);
    expect(cache.wanted.map(({ provider, key }) => [provider, key])).toEqual([
      ['user_packages', ''],
      ['all_fedora_packages', ''],
    ]);
    expect(cache.seenSubjects).toEqual([]);
  });

  test.each([
    ['users=orphan,kim', 400, /by itself/],
    ['users=orphan&packages=alpha', 400, /by itself/],
    ['', 400, /name whom/],
    ['users=', 400, /name whom/],
    ['users=kim&required_acl=owner', 400, /required_acl/],
    ['users=a%2Fb', 400, /no name/],
    [`packages=${'a'.repeat(129)}`, 400, /no name/],
    ['packages=__proto__%00', 400, /no name/],
    [`packages=${Array.from({ length: 1_001 }, (_, at) => `p${at}`)}`, 413, /1001 names/],
    [`packages=${Array.from({ length: 6_000 }, (_, at) => `p${at}`)}`, 414, /characters/],
  ])('%.60s is refused with its reason', async (query, status, reason) => {
    const { get } = filled();
    const answer = await get(`/api/v2/packager_dashboard?${query}`);
    expect([answer.status, answer.json.status]).toEqual([status, status]);
    expect(answer.json.error).toMatch(reason);
  });

  test('nobody has packages of nobody: orphan alone is answered', async () => {
    const { get, cache } = filled();
    expect((await get('/api/v2/packager_dashboard?users=orphan')).json).toMatchObject({
      status: 200,
      packages: {},
    });
    cache.put('user_packages', 'orphan', { commit: ['gamma'], admin: [], groups: [] });
    const { json } = await get('/api/v2/packager_dashboard?users=orphan');
    expect(Object.keys(json.packages)).toEqual(['gamma']);
  });

  test('more packages than one answer holds are refused', async () => {
    const made = apiOf({ limits: { packagesMax: 1 } });
    fill(made.cache);
    const { status, json } = await made.get(USER);
    expect([status, json.error]).toEqual([413, expect.stringMatching(/2 packages, at most 1/)]);
  });

  test('names of JavaScript are names like others', async () => {
    const { get, cache } = filled();
    cache.put('all_fedora_packages', '', ['__proto__', 'constructor']);
    const { status, json, text } = await get(
      '/api/v2/packager_dashboard?packages=__proto__,constructor,toString',
    );
    expect(status).toBe(202);
    expect(json.error).toBe('unknown: package toString');
    expect(text).toContain('"__proto__":{"maintainers"');
  });
});

describe('polling', () => {
  test('costs no look at any entry while nothing has changed', async () => {
    const { get, cache } = filled();
    const first = await get(USER);
    const etag = first.headers.get('etag') ?? '';
    const looks = cache.looks;
    for (let poll = 0; poll < 10; poll += 1) {
      const again = await get(USER, { headers: { 'if-none-match': etag } });
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
    }
    expect(cache.looks).toBe(looks);
  });

  test('another entry of the cache changes nothing; one of its own does', async () => {
    const { get, cache } = filled();
    const etag = (await get(USER)).headers.get('etag') ?? '';
    cache.put('package_bugs', 'gamma', []);
    const headers = { 'if-none-match': `"x", ${etag}` };
    expect((await get(USER, { headers })).status).toBe(304);
    cache.put('package_bugs', 'beta', [{ bug_id: 2 }]);
    const changed = await get(USER, { headers });
    expect(changed.status).toBe(200);
    expect(changed.json.packages.beta.data.bzs).toEqual([{ bug_id: 2 }]);
    expect(changed.headers.get('etag')).not.toBe(etag);
  });

  test('a change is seen after a second: until then many pollers cost one look', async () => {
    const { get, cache, clock } = apiOf({ limits: { answerMs: 1_000 } });
    fill(cache);
    await get(USER);
    const looks = cache.looks;
    for (let poll = 0; poll < 10; poll += 1) {
      cache.put('package_bugs', 'beta', [{ bug_id: poll }]);
      expect((await get(USER)).json.packages.beta.data.bzs[0].bug_id).toBe(1);
    }
    expect(cache.looks).toBe(looks);
    clock.ms += 1_000;
    expect((await get(USER)).json.packages.beta.data.bzs).toEqual([{ bug_id: 9 }]);
  });

  test('time alone makes an entry stale: the answer is looked at again', async () => {
    const { get, cache, clock } = filled();
    const etag = (await get(USER)).headers.get('etag') ?? '';
    const looks = cache.looks;
    clock.ms += 61_000;
    expect((await get(USER, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect(cache.looks).toBeGreaterThan(looks);
  });

  test('a partial answer is sent whole, however often', async () => {
    const { get, cache } = filled();
    cache.drop('package_bugs', 'alpha');
    const etag = (await get(USER)).headers.get('etag') ?? '';
    expect((await get(USER, { headers: { 'if-none-match': etag } })).status).toBe(202);
  });

  test('the order of names, and their repetition, make no other question', async () => {
    const { get, cache } = filled();
    const one = await get('/api/v2/packager_dashboard?packages=alpha,beta');
    const looks = cache.looks;
    const other = await get('/api/v2/packager_dashboard?packages=beta,alpha,,beta');
    expect(other.headers.get('etag')).toBe(one.headers.get('etag'));
    expect(cache.looks).toBe(looks);
  });
});

test('an answer that was just made is given again, whatever changed; a second later it is made anew', async () => {
  const { cache, clock, get } = apiOf({ limits: { answerMs: 1_000 } });
  fill(cache);
  const bugs = async () => {
    const { json } = await get('/api/v2/packager_dashboard?packages=alpha');
    return json.packages.alpha.data.bzs.length;
  };
  expect(await bugs()).toBe(1);
  cache.put('package_bugs', 'alpha', []);
  clock.ms += 999;
  expect(await bugs()).toBe(1);
  clock.ms += 1;
  expect(await bugs()).toBe(0);
});

test('what changed elsewhere makes no answer anew; what it is made of does', async () => {
  const { cache, get } = apiOf();
  fill(cache);
  let changes: { provider: string; key: string }[] = [];
  const own = Object.assign(cache, { changesSince: () => changes });
  const ask = async () => {
    await get('/api/v2/packager_dashboard?users=kim');
    const { looks } = own;
    own.looks = 0;
    return looks;
  };
  const change = (provider: string, key: string) => {
    cache.put(provider, key, []);
    changes = [{ provider, key }];
  };
  expect(await ask()).toBeGreaterThan(0);
  for (const [provider, key] of [
    ['package_bugs', 'another'],
    ['user_packages', 'lee'],
    ['bodhi_updates', ''],
  ] as const) {
    change(provider, key);
    expect([provider, await ask()]).toEqual([provider, 0]);
  }
  for (const [provider, key] of [
    ['package_bugs', 'alpha'],
    ['all_fedora_packages', ''],
    ['user_packages', 'kim'],
  ] as const) {
    change(provider, key);
    expect(await ask(), provider).toBeGreaterThan(0);
  }
});
