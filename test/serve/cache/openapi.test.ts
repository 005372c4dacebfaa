import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../../pipeline/store/open.ts';
import { apiOf, fill, NO_AUTH, START_MS } from './serving.ts';

const document = JSON.parse(readFileSync('schemas/openapi/cache.json', 'utf8'));
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema({ ...document, $id: 'cache' });

/** What the document says of an answer: a pointer to its schema. */
function pointerOf(path: string, method: string, status: number): string {
  const escaped = path.replaceAll('~', '~0').replaceAll('/', '~1');
  return `cache#/paths/${encodeURIComponent(escaped)}/${method}/responses/${status}/content/application~1json/schema`;
}

function problems(path: string, method: string, status: number, value: unknown): unknown {
  const validate = ajv.compile({ $ref: pointerOf(path, method, status) });
  return validate(value) ? [] : validate.errors;
}

test('the document has every path and method of the API, and no other', () => {
  const { api } = apiOf({ auth: { ...NO_AUTH, oidc: undefined } });
  const oidc = apiOf({
    publicUrl: 'http://cache.test',
    auth: {
      ...NO_AUTH,
      oidc: {
        ...{ issuer: 'http://localhost:1', clientId: 'c', clientSecret: undefined },
        ...{ privateGroup: undefined, adminGroup: undefined },
      },
    },
  });
  const routes = [...api.routes, ...oidc.api.routes]
    .filter(({ method, path }) => method !== 'ALL' && !path.startsWith('/dashboard'))
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)(\{.*\}$)?/g, '{$1}')}`);
  const described = Object.entries(document.paths as Record<string, object>).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  expect([...new Set(routes)].sort()).toEqual(described.sort());
});

test('every reference of the document leads somewhere', () => {
  for (const [path, item] of Object.entries(
    document.paths as Record<string, Record<string, { responses: object }>>,
  ))
    for (const [method, { responses }] of Object.entries(item))
      for (const [status, response] of Object.entries(responses))
        if (JSON.stringify(response).includes('application/json'))
          expect(() => ajv.compile({ $ref: pointerOf(path, method, Number(status)) })).not.toThrow();
});

describe('recorded answers are as the document says', () => {
  const store = openStore(':memory:', { nowMs: () => START_MS });
  const made = apiOf({ messages: store.cacheMessages, auth: { ...NO_AUTH, motdSecret: 'hush' } });
  const { get, cache } = made;
  const V2 = '/api/v2/packager_dashboard';
  const ENTRY = '/api/v2/entries/{provider}';
  const cases: readonly (readonly [path: string, address: string, status: number])[] = [
    [V2, `${V2}?users=kim`, 200],
    [V2, `${V2}?users=kim,lee&groups=rust-sig&packages=alpha`, 200],
    [V2, `${V2}?packages=half`, 202],
    [V2, `${V2}?users=nobody`, 404],
    [V2, V2, 400],
    ['/api/v1/packager_dashboard/{user}', '/api/v1/packager_dashboard/kim', 200],
    ['/api/v1/packager_dashboard/{user}', '/api/v1/packager_dashboard/nobody', 404],
    ['/api/v1/packager_dashboard/package/{package}', '/api/v1/packager_dashboard/package/half', 202],
    [ENTRY, '/api/v2/entries/package_bugs?key=alpha', 200],
    [ENTRY, '/api/v2/entries/package_prs?key=failing', 200],
    [ENTRY, '/api/v2/entries/schedule', 202],
    [ENTRY, '/api/v2/entries/nothing', 404],
    ['/api/v1/releases', '/api/v1/releases', 200],
    ['/api/v1/landing_page', '/api/v1/landing_page', 202],
    ...['packages', 'packagers', 'groups'].map((what) => {
      const path = `/api/v1/packager_dashboard/all_fedora_${what}`;
      return [path, path, 200] as const;
    }),
    ...[
      ...['/api/v1/packager_dashboard_caching', '/api/v1/deployment_env', '/api/v1/motd/service_messages'],
      ...['/api/v1/current_user', '/api/openapi.json', '/status', '/'],
    ].map((path) => [path, path, 200] as const),
    ['/readyz', '/readyz', 503],
  ];
  fill(cache);
  cache.put('all_fedora_packages', '', ['alpha', 'beta', 'gamma', 'half']);
  const error = { code: 'timeout', message: 'no answer', atMs: START_MS };
  cache.put('package_prs', 'failing', [], { state: 'error', error });
  cache.put('fedora_releases', '', {
    fedora: { values: [42, 43, 'rawhide'], stable: 43, branched: null, branched_frozen: false, rawhide: 45 },
    epel: [9, 10],
  });

  test.each(cases)('%s: %s is %d', async (path, address, status) => {
    const answer = await get(address);
    expect(answer.status).toBe(status);
    expect(problems(path, 'get', status, answer.json)).toEqual([]);
  });

  test('messages of the day, as they are written', async () => {
    const path = '/api/v1/motd/service_messages';
    const headers = { authorization: 'Bearer hush', 'content-type': 'application/json' };
    const posted = await get(path, { method: 'POST', headers, body: '{"text":"hello"}' });
    expect([posted.status, problems(path, 'post', 201, posted.json)]).toEqual([201, []]);
    const put = await get(path, { method: 'PUT', headers, body: '[{"text":"one","severity":"warning"}]' });
    expect([put.status, problems(path, 'put', 200, put.json)]).toEqual([200, []]);
    const refused = await get(path, { method: 'PUT', headers, body: '[1]' });
    expect([refused.status, problems(path, 'put', 400, refused.json)]).toEqual([400, []]);
  });

  test('a wrong answer would be seen', () => {
    expect(problems(V2, 'get', 200, { status: 200, error: null, packages: { a: {} } })).not.toEqual([]);
  });
});
