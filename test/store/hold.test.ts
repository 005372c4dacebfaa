import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type HoldOptions, holdDatabase } from '../../pipeline/store/hold.ts';
import { tempFolder } from '../support/temp.ts';

const options = (more: Partial<HoldOptions> = {}): HoldOptions => ({
  command: 'test',
  waitMs: 0,
  nowMs: () => Date.now(),
  sleep: async (ms) => void (await sleep(ms)),
  signal: new AbortController().signal,
  ...more,
});

/** Another process that holds a database until it is killed or told to let go. */
async function otherHolder(file: string) {
  const child = fork(join(import.meta.dirname, 'hold-child.ts'), [file], { execArgv: ['--import', 'tsx'] });
  await once(child, 'message');
  return child;
}

test('a second process is told who holds a database, and gets it when that one is killed', async () => {
  const file = join(tempFolder(), 'build.db');
  const child = await otherHolder(file);
  await expect(holdDatabase(file, options())).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`samovar other, process ${child.pid} on `),
  });
  const waited: unknown[] = [];
  const held = holdDatabase(file, options({ waitMs: 20_000, onWait: (holder) => waited.push(holder) }));
  await sleep(300);
  child.kill('SIGKILL');
  const letGo = await held;
  expect(waited).toMatchObject([{ command: 'other', process: child.pid }]);
  await expect(holdDatabase(file, options())).rejects.toMatchObject({ code: 'conflict' });
  letGo();
  (await holdDatabase(file, options()))();
});

test('waiting ends with the run', async () => {
  const file = join(tempFolder(), 'build.db');
  const letGo = await holdDatabase(file, options());
  const stop = new AbortController();
  const waiting = holdDatabase(file, options({ waitMs: 60_000, signal: stop.signal }));
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
  letGo();
});

test('a folder that cannot be made is a storage error with a remedy', async () => {
  const file = join(tempFolder(), 'a file');
  writeFileSync(file, '');
  await expect(holdDatabase(join(file, 'build.db'), options())).rejects.toMatchObject({
    code: 'storage',
    remedy: expect.any(String),
  });
});
