import { expect, onTestFinished, test, vi } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import { keepUp, type ReplayOnce } from '../../pipeline/serve/keep-up.ts';

/** Each replay ends when the test says so; between two of them no time passes. */
function kept() {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const replays: { rebuild: boolean; progress: (bytes: number) => void; end: (error?: unknown) => void }[] =
    [];
  const replay: ReplayOnce = ({ rebuild, onProgress }) =>
    new Promise((resolve, reject) => {
      const progress = (bytes: number) => onProgress({ bytes, bytesTotal: 10e6 });
      replays.push({ rebuild, progress, end: (error) => (error === undefined ? resolve(1) : reject(error)) });
    });
  const sleep = () => new Promise<void>((resolve) => setImmediate(resolve));
  const up = keepUp({ replay, pollMs: 1, sleep, signal: stop.signal, log: () => undefined });
  const next = () => vi.waitFor(() => replays.at(-1) ?? expect.fail('no replay'), 5_000);
  const after = async (count: number) => {
    await vi.waitFor(() => expect(replays).toHaveLength(count), 5_000);
    return next();
  };
  return { up, stop, after };
}

test('is ready only after the first replay, and says how far it is', async () => {
  const { up, after } = kept();
  const first = await after(1);
  expect(up.state().ready).toBe(false);
  first.progress(3_140_000);
  expect(up.state()).toEqual({ ready: false, detail: 'replaying: 3.1 of 10.0 MB' });
  first.end();
  (await after(2)).progress(5_000_000);
  expect(up.state()).toEqual({ ready: true, detail: 'following' });
});

test('what was there stays when a later replay fails, and the next one may succeed', async () => {
  const { up, after } = kept();
  (await after(1)).end(new SamovarError('network', 'no answer'));
  await after(2);
  expect(up.state()).toEqual({ ready: false, detail: 'no answer' });
  (await after(2)).end();
  (await after(3)).end(new Error('with a secret'));
  await after(4);
  expect(up.state()).toEqual({ ready: true, detail: 'behind: failed: see the log' });
  (await after(4)).end();
  await after(5);
  expect(up.state()).toEqual({ ready: true, detail: 'following' });
});

test('a log that was replaced is not served, and replayed anew when it is seen twice', async () => {
  const { up, after } = kept();
  (await after(1)).end();
  (await after(2)).end(new SamovarError('conflict', 'another log'));
  expect((await after(3)).rebuild).toBe(false);
  expect(up.state()).toEqual({ ready: false, detail: 'another log' });
  (await after(3)).end(new SamovarError('conflict', 'another log'));
  const anew = await after(4);
  expect([anew.rebuild, up.state().ready]).toEqual([true, false]);
  anew.end();
  expect((await after(5)).rebuild).toBe(false);
  expect(up.state().ready).toBe(true);
});

test('ends when it is told to', async () => {
  const { up, stop, after } = kept();
  const first = await after(1);
  stop.abort();
  first.end(new SamovarError('aborted', 'stopped'));
  await up.done;
});
