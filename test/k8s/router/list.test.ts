import { describe, expect, test } from 'vitest';
import { refusal, routerOf, workerOf } from './routing.ts';

const serving = (...names: readonly string[]) =>
  workerOf({
    ListRepositories: () => ({ repositories: names.map((name) => ({ name, issueCount: name.length })) }),
  });

async function fleetOf() {
  const shared = await serving('a/1', 'b/2');
  return routerOf(
    {
      'b/2': shared,
      'a/1': shared,
      'c/lies': await serving('a/1', 'root/root'),
      'd/down': '127.0.0.1:1',
      'e/hangs': await workerOf({ ListRepositories: () => new Promise(() => undefined) }),
    },
    { callMs: 1_000 },
  );
}

describe('ListRepositories', () => {
  test('has every worker that answers, each for its own repository alone, and says which did not', async () => {
    const { call, get } = await fleetOf();
    const { repositories, total, statuses } = await call('ListRepositories', {});
    expect(statuses, 'read with the shipped schema').toEqual([
      { name: 'c/lies', code: 5, message: 'the worker does not serve this repository' },
      { name: 'd/down', code: 14, message: 'the worker of d/down cannot be reached: try again' },
      { name: 'e/hangs', code: 4, message: 'the worker of e/hangs did not answer in time' },
    ]);
    expect([repositories, total]).toEqual([
      [
        { name: 'a/1', issueCount: 3 },
        { name: 'b/2', issueCount: 3 },
      ],
      5,
    ]);
    const { body } = await get('/api/v1/owners/-/repositories');
    expect(body.statuses).toEqual([
      { name: 'c/lies', code: 5, status: 'NOT_FOUND', message: 'the worker does not serve this repository' },
      {
        name: 'd/down',
        code: 14,
        status: 'UNAVAILABLE',
        message: 'the worker of d/down cannot be reached: try again',
      },
      {
        name: 'e/hangs',
        code: 4,
        status: 'DEADLINE_EXCEEDED',
        message: 'the worker of e/hangs did not answer in time',
      },
    ]);
  });

  test('goes page by page, without a word to the workers of other pages', async () => {
    const names = Array.from({ length: 7 }, (_, at) => `o/r${at}`);
    const worker = await serving(...names);
    const { call, asked } = await routerOf(Object.fromEntries(names.map((name) => [name, worker])));
    const seen: string[] = [];
    let pageToken = '';
    do {
      const before = asked.length;
      const page = await call('ListRepositories', { pageSize: 3, pageToken, orderBy: 'name desc' });
      expect(asked.length - before).toBeLessThanOrEqual(3);
      seen.push(...(page.repositories as readonly { name: string }[]).map(({ name }) => name));
      pageToken = String(page.nextPageToken ?? '');
    } while (pageToken !== '');
    expect(seen).toEqual([...names].reverse());
    expect((await call('ListRepositories', { pageToken: 'bm9uZQ' })).code).toBe(3);
  });

  test('of an owner asks the workers of that owner; a filter goes to the workers', async () => {
    const { call } = await fleetOf();
    expect(await call('ListRepositories', { parent: 'owners/a' })).toMatchObject({
      repositories: [{ name: 'a/1' }],
      total: 1,
    });
    const picky = await workerOf({
      ListRepositories: ({ filter }: { readonly filter: string }) =>
        filter === 'good' ? {} : Promise.reject(refusal(3, `filter: ${filter}`)),
    });
    const { call: ask } = await routerOf({ 'o/r': picky });
    expect(await ask('ListRepositories', { filter: 'good' })).toMatchObject({
      repositories: [],
      statuses: [],
    });
    expect(await ask('ListRepositories', { filter: 'bad' })).toEqual({ code: 3, details: 'filter: bad' });
  });

  test('asks 300 workers at once, not one after the other', async () => {
    let open = 0;
    let most = 0;
    const worker = await workerOf({
      ListRepositories: async () => {
        open += 1;
        most = Math.max(most, open);
        await new Promise((resolve) => setTimeout(resolve, 5));
        open -= 1;
        return { repositories: names.map((name) => ({ name })) };
      },
    });
    const names = Array.from({ length: 300 }, (_, at) => `o/r${at}`);
    const { call } = await routerOf(Object.fromEntries(names.map((name) => [name, worker])));
    expect((await call('ListRepositories', {})).repositories).toHaveLength(300);
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThanOrEqual(32);
  });
});
