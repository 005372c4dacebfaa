import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { KINDS } from '../../../pipeline/k8s/cluster.ts';
import { createKubeEvents } from '../../../pipeline/k8s/idling/kube-events.ts';
import { startUnidler, type UnidlerOptions } from '../../../pipeline/k8s/unidler/unidler.ts';
import {
  createApp,
  idleAsOriginal,
  NS,
  runPods,
  setEndpoints,
  specOf,
  until,
  type World,
  world,
} from '../idling/apps.ts';

const HOST = '127.0.0.1';

async function serve(made: World, options: Partial<UnidlerOptions> = {}) {
  const logged: string[] = [];
  const unidler = await startUnidler(
    {
      ...{ address: '127.0.0.1:0', metricsAddress: '127.0.0.1:0', brand: 'Apps', deadlineMs: 600_000 },
      ...{ tickMs: 5, log: (message, details) => void logged.push(`${message} ${JSON.stringify(details)}`) },
      ...options,
    },
    made.hands,
  );
  onTestFinished(() => unidler.close());
  const metric = async (name: string) => {
    const text = await (await fetch(unidler.metricsUrl ?? '')).text();
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    );
  };
  const wake = () => fetch(`${unidler.url}/wake`, { method: 'POST' });
  return { unidler, metric, wake, logged };
}

async function asleep(): Promise<World> {
  const made = await world();
  createApp(made, 'web', { host: HOST });
  idleAsOriginal(made, 'web');
  return made;
}

async function arise(made: World) {
  await until(() => specOf(made, KINDS.deployment, 'web').replicas !== 0);
  runPods(made, 'web');
  await until(() => specOf(made, KINDS.service, 'web').type !== 'ExternalName');
  setEndpoints(made, 'web');
}

/** A server that answers as it is told, and keeps what it is sent. */
async function hook(answers: readonly (number | 'hang' | 'reset')[]) {
  const bodies: Record<string, unknown>[] = [];
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const answer = answers[seen.length] ?? 200;
    seen.push(request);
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      if (answer === 'hang') return;
      if (answer === 'reset') return void request.socket.destroy();
      if (answer < 300) bodies.push(JSON.parse(text));
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { bodies, seen, host: `127.0.0.1:${port}` };
}

const reasons = (made: World) =>
  made.api.all(KINDS.event).map(({ reason, involvedObject }) => {
    const { kind, name } = involvedObject as Record<string, string>;
    return `${reason} ${kind}/${name}`;
  });

describe('what the unidler tells beside its pages', () => {
  test('metrics: wakes by how they ended, how long, what is under way, calls made again', async () => {
    const made = await asleep();
    const { unidler, metric, wake } = await serve(made, { holdMs: 60_000 });
    let conflicts = 0;
    made.api.setFaults(({ verb }) => {
      conflicts += verb === 'patch' ? 1 : 0;
      return verb === 'patch' && conflicts === 1 ? { status: 409, reason: 'Conflict' } : undefined;
    });
    await wake();
    const stop = new AbortController();
    const { signal } = stop;
    const stream = await fetch(`${unidler.url}/events/`, { signal });
    const held = fetch(`${unidler.url}/api`, { redirect: 'manual' });
    await until(async () => (await metric('samovar_unidler_holds_open')) === 1);
    expect(await metric('samovar_unidler_event_streams_open')).toBe(1);
    expect(await metric('samovar_unidler_wakes_open')).toBe(1);
    stop.abort();
    await stream.text().catch(() => '');
    await until(async () => (await metric('samovar_unidler_event_streams_open')) === 0);
    made.clock.ms += 42_000;
    await arise(made);
    expect((await held).status).toBe(307);
    expect(await metric('samovar_unidler_wakes_total{outcome="ready"}')).toBe(1);
    expect(await metric('samovar_unidler_ready_seconds_sum')).toBe(42);
    expect(await metric('samovar_unidler_api_retries_total{why="conflict"}')).toBe(1);
    expect(await metric('samovar_unidler_holds_open')).toBe(0);
    expect(await metric('samovar_unidler_wakes_open')).toBe(0);
  });

  test('an app that is awake is no wake of anybody', async () => {
    const made = await world();
    createApp(made, 'web', { host: HOST });
    const { metric, wake } = await serve(made);
    await wake();
    await until(async () => (await metric('samovar_unidler_wakes_open')) === 0);
    expect(await metric('samovar_unidler_wakes_total{outcome="ready"}')).toBe(0);
    expect(reasons(made)).toEqual([]);
  });

  test('Events of the workload: being woken, and awake', async () => {
    const made = await asleep();
    const { wake } = await serve(made);
    await wake();
    await arise(made);
    await until(() => reasons(made).length === 2);
    expect(reasons(made).sort()).toEqual(['Unidled Deployment/web', 'Unidling Deployment/web']);
  });

  test('an Event of what failed has its reason', async () => {
    const made = await asleep();
    const { wake, logged } = await serve(made);
    await wake();
    await until(() => specOf(made, KINDS.deployment, 'web').replicas !== 0);
    runPods(made, 'web', { waiting: 'ImagePullBackOff' });
    await until(() => logged.some((line) => line.includes('ImagePullBackOff')));
    made.clock.ms += 600_000;
    await until(() => reasons(made).length === 2);
    const failed = made.api.all(KINDS.event).find(({ reason }) => reason === 'UnidleFailed');
    expect(failed).toMatchObject({ type: 'Warning', source: { component: 'samovar-unidler' } });
    expect(failed?.message).toContain('its image cannot be pulled (ImagePullBackOff)');
  });

  test('a role without Events wakes all the same, and is told of once', async () => {
    const made = await asleep();
    made.api.setDenies(({ kind }) => kind?.kind === 'Event');
    const { metric, wake, logged } = await serve(made);
    await wake();
    await arise(made);
    await until(async () => (await metric('samovar_unidler_wakes_total{outcome="ready"}')) === 1);
    expect(logged.filter((line) => line.startsWith('an Event could not be written'))).toHaveLength(1);
  });

  test('an API server that does not answer to Events keeps nobody waiting', async () => {
    const made = await asleep();
    made.api.setFaults(({ kind }) => (kind?.kind === 'Event' ? 'hang' : undefined));
    const logged: string[] = [];
    const options = { component: 'x', timeoutMs: 20, log: (message: string) => void logged.push(message) };
    const object = made.api.get(KINDS.deployment, { name: 'web', namespace: NS });
    if (object === undefined) throw new Error('there is no app');
    const happened = { reason: 'Idled', message: 'x' } as const;
    await createKubeEvents(options, made.hands).note([{ kind: KINDS.deployment, object }], happened);
    expect(logged).toEqual(['an Event could not be written']);
  });

  test('a webhook is told, again where it failed, with its password in a header', async () => {
    const made = await asleep();
    const { bodies, seen, host } = await hook([500, 'reset']);
    const { wake } = await serve(made, { webhook: `http://me:s%40cret@${host}/hooks/of-mine?key=1` });
    await wake();
    await until(() => bodies.length === 1);
    await arise(made);
    await until(() => bodies.length === 2);
    expect(bodies).toMatchObject([
      { event: 'started', host: HOST, namespace: NS, workloads: ['Deployment shop/web'] },
      { event: 'ready', text: 'Ready', seconds: 0, at: '2026-11-20T22:00:00.000Z' },
    ]);
    const authorization = `Basic ${Buffer.from('me:s@cret').toString('base64')}`;
    for (const { url, headers } of seen)
      expect([url, headers.authorization]).toEqual(['/hooks/of-mine?key=1', authorization]);
  });

  test('one that never answers fails no wake, and no secret of its URL is logged', async () => {
    const made = await asleep();
    const { host, seen } = await hook([...Array.from({ length: 8 }, () => 503), ...Array(99).fill(403)]);
    const { wake, metric, logged } = await serve(made, { webhook: `http://me:secret@${host}/s3cret?key=s3` });
    await wake();
    await arise(made);
    await until(async () => (await metric('samovar_unidler_wakes_total{outcome="ready"}')) === 1);
    await until(() => logged.filter((line) => line.startsWith('a webhook was not told')).length === 2);
    // Both events share the first eight answers; one that is refused is not sent again.
    expect(seen.length).toBeLessThanOrEqual(16);
    expect(logged.join()).toContain(`"to":"http://${host}"`);
    expect(logged.join()).not.toMatch(/s3|secret/);
    expect(await metric('samovar_unidler_api_retries_total{why="failure"}')).toBe(0);
  });

  test.each(['nowhere', 'file:///etc/passwd'])('the webhook %j is refused at once', async (webhook) => {
    await expect(serve(await asleep(), { webhook })).rejects.toMatchObject({ code: 'config' });
  });
});
