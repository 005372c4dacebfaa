import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPlace, type Place } from '../cache/place.ts';
import { type Kitchen, NOW_MS, openHttp, openKitchen } from '../support/cache-providers.ts';

let kitchen: Kitchen;
const client = openHttp();
beforeAll(async () => {
  kitchen = await openKitchen();
});
afterAll(async () => {
  await client.close();
  await kitchen.close();
});

/** Wants everything that is not keyed, in order, each done before the next. */
async function warm(place: Place) {
  for (const { name, kind } of place.cache.providers) {
    if (kind !== 'single' && kind !== 'derived') continue;
    place.cache.want(name, '', 'manual');
    await place.work();
  }
}

test('an engine takes all providers, keeps their values and answers for each package', async () => {
  const place = openPlace([...kitchen.providers.values()], { http: client.http, clock: { nowMs: NOW_MS } });
  await warm(place);
  const failed = place.runs.filter(({ outcome }) => outcome === 'failed');
  expect(failed.map(({ provider, message }) => `${provider}: ${message}`)).toEqual([]);
  const names = JSON.parse(place.cache.read('all_fedora_packages', '').json ?? '[]') as string[];
  expect(names.length).toBeGreaterThan(50);
  for (const { state } of place.cache.readMany('package_static', names)) expect(state).toBe('fresh');
  place.cache.wantMany('package_bugs', names, 'waiting');
  place.cache.wantMany('package_private_bugs', names, 'waiting');
  const before = kitchen.upstreams.requests('bugzilla');
  await place.work();
  for (const { state } of place.cache.readMany('package_bugs', names)) expect(state).toBe('fresh');
  // Two batches of forty each, in pages of twenty bugs.
  expect(kitchen.upstreams.requests('bugzilla') - before).toBeLessThan(30);
  expect(place.cache.read('health_check', 'gtk4')).toMatchObject({ json: '[]' });
  place.close();
});

test('when nothing has changed nothing is written again', async () => {
  const place = openPlace([...kitchen.providers.values()], { http: client.http, clock: { nowMs: NOW_MS } });
  await warm(place);
  await place.work();
  place.runs.length = 0;
  await warm(place);
  expect(place.runs.filter(({ outcome }) => outcome !== 'unchanged')).toEqual([]);
  place.close();
});

test('an upstream that was dead from the first day does not keep back the rest', async () => {
  const place = openPlace([...kitchen.providers.values()], { http: client.http, clock: { nowMs: NOW_MS } });
  for (const host of ['orphans', 'koschei']) kitchen.upstreams.trouble(host, { status: 500 });
  await warm(place);
  for (const host of ['orphans', 'koschei']) kitchen.upstreams.trouble(host, undefined);
  const { json } = place.cache.read('package_static', 'gtk4');
  expect(JSON.parse(json ?? 'null')).toMatchObject({ missing: ['koschei', 'orphans'] });
  place.close();
});
