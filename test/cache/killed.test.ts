import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LEASE_MS } from '../../pipeline/cache/claim.ts';
import { tempFolder } from '../support/temp.ts';
import { got, keyed, openPlace } from './place.ts';

test('a worker killed in the middle of a job is replaced once its lease is over; the job is done once', async () => {
  const file = join(tempFolder(), 'cache.db');
  const place = openPlace([keyed('bugs', async () => got('mine'))], { file });
  place.cache.want('bugs', 'bash', 'waiting');
  const child = fork(join(import.meta.dirname, 'worker-child.ts'), [file, String(place.clock.nowMs)], {
    execArgv: ['--import', 'tsx'],
  });
  await once(child, 'message');
  expect(place.cache.jobs()).toMatchObject([{ state: 'running', worker: 'child', attempt: 0 }]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  place.clock.nowMs += LEASE_MS - 1;
  expect(await place.work()).toBe(0);
  place.clock.nowMs += 1;
  expect(await place.work()).toBe(1);
  expect(place.runs).toMatchObject([{ outcome: 'changed', attempt: 2, worker: 'w1' }]);
  expect(place.cache.jobs()).toEqual([]);
  expect(place.cache.read('bugs', 'bash').json).toBe('"mine"');
  place.close();
}, 60_000);
