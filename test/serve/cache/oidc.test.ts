import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { localPath } from '../../../pipeline/serve/cache/sessions.ts';
import { CLIENT_ID, CLIENT_SECRET, type OidcProvider, startOidcProvider } from './oidc-provider.ts';
import { apiOf, fill, NO_AUTH } from './serving.ts';

let provider: OidcProvider;
beforeAll(async () => {
  provider = await startOidcProvider();
});
afterAll(() => provider.close());
beforeEach(() => {
  provider.claims = {};
  provider.isDown = false;
});

const USER = '/api/v2/packager_dashboard?users=kim';

function started({ privateGroup = 'packager', adminGroup = 'sysadmin-qa', url = 'http://cache.test' } = {}) {
  const oidc = { issuer: provider.issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET };
  const auth = { ...NO_AUTH, oidc: { ...oidc, privateGroup, adminGroup } };
  const made = apiOf({ auth, publicUrl: url });
  fill(made.cache);
  return made;
}

type Made = ReturnType<typeof started>;

/** What a browser keeps and sends. */
function browser({ get }: Made) {
  const jar = new Map<string, string>();
  return async (path: string, headers: Record<string, string> = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await get(path, { headers: { ...headers, cookie }, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return { ...answer, jar };
  };
}

async function logIn(go: ReturnType<typeof browser>, redirect = '/dashboard', change?: (back: URL) => void) {
  const begun = await go(`/api/v1/oidc_login?redirect=${encodeURIComponent(redirect)}`);
  const back = provider.authorize(begun.headers.get('location') ?? '');
  change?.(back);
  return go(`${back.pathname}${back.search}`);
}

describe('login by an OpenID provider', () => {
  test('is off unless it is configured', async () => {
    const { get } = apiOf();
    expect((await get('/api/v1/oidc_login')).status).toBe(404);
    expect((await get('/oidc_callback?code=1&state=2')).status).toBe(404);
    expect((await get('/api/v1/current_user')).json).toEqual({
      is_authenticated: false,
      user: null,
      fas_groups: [],
    });
  });

  test('begins with PKCE, state and nonce, and ends with a sealed session', async () => {
    const made = started();
    const go = browser(made);
    const begun = await go('/api/v1/oidc_login?redirect=/dashboard%3Fa=1');
    const asked = new URL(begun.headers.get('location') ?? '').searchParams;
    expect(asked.get('code_challenge_method')).toBe('S256');
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(asked.get(name)?.length).toBeGreaterThan(20);
    const back = provider.authorize(begun.headers.get('location') ?? '');
    const done = await go(`${back.pathname}${back.search}`);
    expect([done.status, done.headers.get('location')]).toEqual([302, '/dashboard?a=1']);
    expect((await go('/api/v1/current_user')).json).toEqual({
      is_authenticated: true,
      user: 'kim',
      fas_groups: ['packager', 'sysadmin-qa'],
    });
    const cookie = done.headers.getSetCookie().find((line) => line.startsWith('samovar_session=')) ?? '';
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Lax/);
    expect(cookie).not.toMatch(/kim|packager|; Secure/);
    expect((await go('/dashboard')).status, 'the admin group works the dashboard').toBe(200);
  });

  test('behind https cookies are Secure, and of this host alone', async () => {
    const go = browser(started({ url: 'https://cache.test' }));
    const begun = await go('/api/v1/oidc_login');
    expect(begun.headers.getSetCookie()[0]).toMatch(/^__Host-samovar_login=.*; Secure/);
    expect(begun.headers.get('strict-transport-security')).toMatch(/max-age/);
  });

  test('logout forgets the session', async () => {
    const go = browser(started());
    await logIn(go);
    const out = await go('/api/v1/oidc_logout?redirect=//evil.example');
    expect([out.status, out.headers.get('location')]).toEqual([302, '/']);
    expect((await go('/api/v1/current_user')).json.is_authenticated).toBe(false);
  });
});

describe('a login that is not right is refused', () => {
  const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
    ['a nonce of another login', { nonce: 'another' }],
    ['no nonce', { nonce: undefined }],
    ['another issuer', { iss: 'http://127.0.0.1:1' }],
    ['another audience', { aud: 'someone-else' }],
    ['an expired token', { exp: 1_000_000, iat: 999_000 }],
    ['a subject other than that of the user information', { sub: 'u-2' }],
  ];
  test.each(wrong)('%s', async (_, claims) => {
    const made = started();
    const go = browser(made);
    provider.claims = claims;
    const { status, json } = await logIn(go);
    expect([status, json.error]).toEqual([403, expect.stringMatching(/begin again/)]);
    expect((await go('/api/v1/current_user')).json.is_authenticated).toBe(false);
    expect(made.logged).toHaveLength(1);
  });

  test('a state of another login', async () => {
    const go = browser(started());
    const { status } = await logIn(go, '/', (back) => back.searchParams.set('state', 'another'));
    expect(status).toBe(403);
  });

  test('an answer that this browser did not ask for', async () => {
    const victim = browser(started());
    const { status, json } = await victim('/oidc_callback?code=stolen&state=x');
    expect([status, json.error]).toEqual([400, expect.stringMatching(/not begun here/)]);
  });

  test('the same answer twice', async () => {
    const go = browser(started());
    let path = '';
    await logIn(go, '/', (back) => {
      path = `${back.pathname}${back.search}`;
    });
    expect((await go(path)).status).toBe(400);
  });

  test('a login that took longer than ten minutes', async () => {
    const made = started();
    const go = browser(made);
    const late = await logIn(go, '/', () => {
      made.clock.ms += 601_000;
    });
    expect(late.status).toBe(400);
  });

  test('a provider that does not answer; the next login asks it again', async () => {
    const go = browser(started());
    provider.isDown = true;
    const down = await go('/api/v1/oidc_login');
    expect([down.status, down.headers.get('retry-after')]).toEqual([503, '30']);
    provider.isDown = false;
    expect((await go('/api/v1/oidc_login')).status).toBe(302);
  });
});

describe('sessions', () => {
  test('end after their time', async () => {
    const made = started();
    const go = browser(made);
    await logIn(go);
    made.clock.ms += 8 * 3_600_000;
    expect((await go('/api/v1/current_user')).json.is_authenticated).toBe(false);
  });

  test.each([0, 20, 40, -1])('one whose byte %d was changed is none', async (at) => {
    const made = started();
    const go = browser(made);
    const { jar } = await logIn(go);
    const bytes = Buffer.from(jar.get('samovar_session') ?? '', 'base64url');
    const place = at < 0 ? bytes.length + at : at;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    const cookie = `samovar_session=${bytes.toString('base64url')}`;
    expect((await made.get('/api/v1/current_user', { headers: { cookie } })).json.is_authenticated).toBe(
      false,
    );
  });

  test('what was sealed for a login opens no session, nor that of another key', async () => {
    const made = started();
    const go = browser(made);
    const { jar } = await go('/api/v1/oidc_login');
    const cookie = `samovar_session=${jar.get('samovar_login')}`;
    expect((await made.get('/api/v1/current_user', { headers: { cookie } })).json.is_authenticated).toBe(
      false,
    );
    const session = (await logIn(go)).jar.get('samovar_session');
    const other = apiOf({ auth: { ...NO_AUTH, sessionKey: undefined } });
    const headers = { cookie: `samovar_session=${session}` };
    expect((await other.get('/api/v1/current_user', { headers })).json.is_authenticated).toBe(false);
  });

  test('somebody of a thousand groups is logged in, with the rights of all of them', async () => {
    const oidc = { issuer: provider.issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET };
    // A claim that the user information has not got, so that the token's own stands.
    const rights = { groupsClaim: 'all', privateGroup: undefined, adminGroup: 'group-999' };
    const auth = { ...NO_AUTH, oidc: { ...oidc, ...rights } };
    const go = browser(apiOf({ publicUrl: 'http://cache.test', auth }));
    provider.claims = { all: Array.from({ length: 1_000 }, (_, at) => `group-${at}`) };
    expect((await logIn(go)).status).toBe(302);
    expect((await go('/api/v1/current_user')).json).toEqual({
      is_authenticated: true,
      user: 'kim',
      fas_groups: [],
    });
    expect((await go('/dashboard')).status).toBe(200);
  });
});

describe('private bugs', () => {
  const isSecret = (text: string) => text.includes('top secret') || text.includes('666');

  test('are for members of the group, in answers that no shared cache keeps', async () => {
    const go = browser(started());
    await logIn(go);
    const { json, headers } = await go(USER);
    expect(json.packages.alpha.data.bzs.map(({ bug_id: id }: { bug_id: number }) => id)).toEqual([1, 666]);
    expect(headers.get('cache-control')).toMatch(/private/);
    expect(headers.get('vary')).toMatch(/Cookie/);
    const v1 = await go('/api/v1/packager_dashboard/kim');
    expect(v1.json.bzs.data.beta).toHaveLength(2);
    expect(v1.headers.get('cache-control')).toMatch(/private/);
    expect((await go('/api/v2/entries/package_private_bugs?key=alpha')).json.value).toHaveLength(1);
  });

  test('are in no answer to a stranger, whoever asked before', async () => {
    const made = started();
    const member = browser(made);
    await logIn(member);
    const seen = await member(USER);
    const etag = seen.headers.get('etag') ?? '';
    const paths = [
      ...[USER, '/api/v1/packager_dashboard/kim', '/api/v1/packager_dashboard/package/alpha'],
      ...['/api/v2/entries/package_private_bugs?key=alpha', '/status', '/metrics', '/readyz'],
    ];
    for (const path of paths) {
      const asked: readonly Record<string, string>[] = [
        ...[{}, { cookie: 'samovar_session=forged' }, { 'if-none-match': etag }],
      ];
      for (const headers of asked) {
        const answer = await made.get(path, { headers });
        expect(isSecret(answer.text), path).toBe(false);
        expect(answer.status, path).not.toBe(304);
        expect(answer.headers.get('cache-control') ?? '', path).not.toMatch(/private/);
      }
    }
    expect((await made.get(USER)).headers.get('vary')).toMatch(/Cookie/);
    const looked = made.cache.wanted.filter(({ provider: name }) => name === 'package_private_bugs');
    expect(looked).toEqual([]);
  });

  test('are not for who is logged in without the group, nor for the admin token', async () => {
    const go = browser(started({ privateGroup: 'security' }));
    await logIn(go);
    expect(isSecret((await go(USER)).text)).toBe(false);
  });
});

test.each([
  ['/dashboard?x=1#y', '/dashboard?x=1#y'],
  ['/a/../b', '/b'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['/a\\b', '/'],
  ['https://evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['/%0d%0aset-cookie:x', '/%0d%0aset-cookie:x'],
  ['/a\r\nb', '/'],
  ['/.//evil.example', '/'],
  ['/..//evil.example', '/'],
  ['', '/'],
  [undefined, '/'],
])('after a login %j goes on at %s', (redirect, path) => {
  expect(localPath(redirect)).toBe(path);
});
