import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { KINDS } from '../../../pipeline/k8s/cluster.ts';
import { whileLeading } from '../../../pipeline/k8s/lease.ts';
import type { Report } from '../../../pipeline/k8s/supervisor/contract.ts';
import { createLoop } from '../../../pipeline/k8s/supervisor/loop.ts';
import { deploymentName, serviceName } from '../../../pipeline/k8s/supervisor/names.ts';
import { type SupervisorOptions, startSupervisor } from '../../../pipeline/k8s/supervisor/supervisor.ts';
import { type Fleet, fleet, repos } from './fleet.ts';

const realSleep: SupervisorOptions['sleep'] = (ms, signal) =>
  sleep(ms, undefined, signal && { signal }).catch(() => undefined) as Promise<void>;

/** A process of its own, as far as that goes here: `kill` ends it without a word to the others. */
async function process(made: Fleet, identity: string, more: Partial<SupervisorOptions> = {}) {
  const stop = new AbortController();
  const reports: Report[] = [];
  let isDead = false;
  // A killed process does not give its Lease back.
  const cluster = new Proxy(made.cluster, {
    get: (target, name) =>
      isDead && typeof Reflect.get(target, name) === 'function'
        ? () => new Promise(() => undefined)
        : Reflect.get(target, name),
  });
  const { url, done } = await startSupervisor({
    ...made.options,
    cluster,
    address: '0',
    everyMs: 3_600_000,
    ...{ retryMs: 20, settleMs: 5, sleep: realSleep, signal: stop.signal },
    lead: (work, signal) =>
      whileLeading(
        {
          ...{
            cluster,
            namespace: 'default',
            name: 'supervisor',
            identity,
            nowMs: Date.now,
            random: () => 0.5,
          },
          ...{ durationMs: 1_000, renewWithinMs: 700, retryMs: 100, sleep: realSleep, signal },
        },
        (term) => work(term.signal),
      ),
    log: {
      report: (report) => reports.push(report),
      step: () => undefined,
      watchFailed: () => undefined,
      leads: () => undefined,
    },
    ...more,
  });
  done.catch(() => undefined);
  const end = async () => {
    stop.abort();
    if (!isDead) await done;
  };
  onTestFinished(end);
  const kill = () => {
    isDead = true;
    stop.abort();
  };
  const get = async (path: string, method = 'GET') => {
    const answer = await fetch(`${url}${path}`, { method });
    return { status: answer.status, text: await answer.text() };
  };
  return { url, reports, get, kill, end, done };
}

const leads = async (one: { get(path: string): Promise<{ readonly status: number }> }) =>
  vi.waitFor(async () => expect((await one.get('/readyz')).status).toBe(200), { timeout: 10_000 });

test('what is deleted by hand is there again at once, by the watch', async () => {
  const made = await fleet();
  made.list.repos = repos(2);
  await process(made, 'one');
  const name = serviceName('made/up-0');
  await vi.waitFor(() => expect(made.names('service')).toHaveLength(2), { timeout: 10_000 });
  await vi.waitFor(() => expect(made.api.watches()).toBe(2), { timeout: 10_000 });
  made.api.remove(KINDS.service, { name, namespace: 'default' });
  await vi.waitFor(() => expect(made.names('service')).toContain(name), { timeout: 10_000 });
  made.api.closeWatches('broken');
  made.api.expireVersions();
  await vi.waitFor(() => expect(made.api.watches()).toBe(2), { timeout: 10_000 });
  made.api.remove(KINDS.deployment, { name: deploymentName('made/up-1'), namespace: 'default' });
  await vi.waitFor(() => expect(made.names('deployment')).toHaveLength(2), { timeout: 10_000 });
});

describe('/update', () => {
  test('says what was done, with a status; a list that cannot be read is no success', async () => {
    const made = await fleet();
    const one = await process(made, 'one');
    await leads(one);
    made.list.repos = repos(1);
    const { status, text } = await one.get('/update', 'POST');
    expect([status, JSON.parse(text)]).toMatchObject([
      200,
      { outcome: 'done', repositories: 1, done: [expect.any(String), expect.any(String)] },
    ]);
    made.list.failure = new Error('the bucket is away');
    const failed = await one.get('/update');
    expect([failed.status, JSON.parse(failed.text)]).toMatchObject([
      500,
      { outcome: 'partly', list: 'the bucket is away' },
    ]);
    made.api.setFaults(() => ({ status: 503 }));
    expect((await one.get('/update', 'POST')).status).toBe(503);
  });

  test('of one that does not lead is refused, and says so', async () => {
    const made = await fleet();
    const one = await process(made, 'one');
    await leads(one);
    const other = await process(made, 'other');
    expect(await other.get('/update', 'POST')).toMatchObject({
      status: 503,
      text: expect.stringContaining('another process leads'),
    });
    expect([
      (await other.get('/healthz')).status,
      (await other.get('/_healthz')).text,
      (await other.get('/readyz')).status,
    ]).toEqual([200, 'ok', 503]);
    expect((await other.get('/metrics')).text).toContain('samovar_supervisor_leading 0');
    expect((await one.get('/metrics')).text).toContain('samovar_supervisor_leading 1');
  });
});

test('when the leader is killed in the middle of its work, another goes on to the end', async () => {
  const made = await fleet();
  made.list.repos = repos(60);
  made.api.setLatencyMs(5);
  const one = await process(made, 'one');
  await vi.waitFor(() => expect(made.names('deployment').length).toBeGreaterThan(5), {
    timeout: 10_000,
    interval: 5,
  });
  one.kill();
  made.api.setLatencyMs(0);
  expect(made.names('service').length).toBeLessThan(60);
  const other = await process(made, 'other');
  await leads(other);
  await vi.waitFor(
    () => expect([made.names('deployment').length, made.names('service').length]).toEqual([60, 60]),
    { timeout: 60_000 },
  );
}, 120_000);

describe('the loop', () => {
  const report = (outcome: Report['outcome']) => ({ outcome, failed: [] }) as unknown as Report;

  /** Sleeps are noted, and end when the test says so. */
  function looped(outcomes: readonly Report['outcome'][]) {
    const stop = new AbortController();
    const sleeps: number[] = [];
    let at = 0;
    const loop = createLoop({
      pass: async () => {
        const outcome = outcomes[at] ?? 'done';
        at += 1;
        if (at > outcomes.length) stop.abort();
        return report(outcome);
      },
      ...{ everyMs: 60_000, retryMs: 5_000, settleMs: 0 },
      sleep: async (ms) => void sleeps.push(ms),
    });
    return { loop, stop, sleeps, passes: () => at };
  }

  test('comes again sooner after failures, each time later, and at its time when all is well', async () => {
    const { loop, stop, sleeps } = looped(['done', 'failed', 'partly', 'failed', 'failed', 'failed', 'done']);
    await loop.run(stop.signal);
    expect(sleeps.filter((ms) => ms > 0).slice(0, 7)).toEqual([
      60_000, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000,
    ]);
  });

  test('answers many who ask with one pass that began after they did', async () => {
    const stop = new AbortController();
    let passes = 0;
    const gates: (() => void)[] = [];
    const loop = createLoop({
      pass: async () => {
        passes += 1;
        await new Promise<void>((resolve) => gates.push(resolve));
        return report('done');
      },
      ...{ everyMs: 60_000, retryMs: 5_000, settleMs: 5, sleep: realSleep },
    });
    const running = loop.run(stop.signal);
    await vi.waitFor(() => expect(passes).toBe(1));
    const asked = Promise.all([loop.update(), loop.update(), loop.update()]);
    gates.shift()?.();
    await vi.waitFor(() => expect(passes).toBe(2));
    gates.shift()?.();
    expect(await asked).toHaveLength(3);
    expect(passes).toBe(2);
    stop.abort();
    await running;
    await expect(
      loop.update().then(
        () => 'done',
        () => 'ended',
      ),
    ).resolves.toBe('ended');
  });
});
