import { request as send } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { KINDS } from '../../../pipeline/k8s/cluster.ts';
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

const HOST = 'web.example.org';
const DEFAULTS = {
  address: '127.0.0.1:0',
  brand: 'Tools & Co',
  deadlineMs: 600_000,
  tickMs: 5,
  log: () => {},
};

async function serve(made: World, options: Partial<UnidlerOptions> = {}) {
  const unidler = await startUnidler({ ...DEFAULTS, ...options }, { ...made.hands, random: Math.random });
  onTestFinished(() => unidler.close());
  return unidler;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** fetch would not send another Host. */
function ask(
  url: string,
  { method = 'GET', ...headers }: Readonly<Record<string, string>> = {},
  onText?: (text: string, end: () => void) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = send(url, { method, headers: { host: HOST, ...headers }, agent: false }, (response) => {
      let text = '';
      const done = () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        onText?.(text, () => {
          sent.destroy();
          done();
        });
      });
      response.on('end', done);
      response.on('error', done);
    });
    sent.on('error', reject);
    sent.end();
  });
}

const HTML = { accept: 'text/html,*/*;q=0.8' };
const isAsleep = (made: World) => specOf(made, KINDS.deployment, 'web').replicas === 0;

async function asleep(options: Partial<UnidlerOptions> = {}) {
  const made = await world();
  createApp(made, 'web');
  idleAsOriginal(made, 'web');
  return { made, unidler: await serve(made, options) };
}

async function arise(made: World) {
  await until(() => !isAsleep(made));
  runPods(made, 'web');
  await until(() => specOf(made, KINDS.service, 'web').type !== 'ExternalName');
  setEndpoints(made, 'web');
}

describe('the unidler', () => {
  test('/healthz says that it is well, and asks the cluster nothing', async () => {
    const { made, unidler } = await asleep();
    const before = made.api.requests.length;
    const answer = await ask(`${unidler.url}/healthz`, { host: '10.0.0.1:8080' });
    expect([answer.status, answer.text, made.api.requests.length]).toEqual([200, 'Still OK', before]);
  });

  test.each([
    ['a page', '/some/where?a=b', HTML, 200],
    ['an image', '/logo.png', { accept: 'image/*' }, 503],
    ['a crawler', '/events/', {}, 200],
    ['a program', '/api/items', { accept: 'application/json' }, 503],
    ['a form of another kind', '/api/items', { method: 'POST' }, 503],
    ['a web socket', '/ws', { ...HTML, connection: 'upgrade', upgrade: 'websocket' }, 503],
    ['a link of another site', '/wake', { method: 'POST', 'sec-fetch-site': 'cross-site' }, 403],
    ['a script of another site', '/wake', { method: 'POST', origin: 'https://evil.example' }, 403],
  ])('%s wakes nothing', async (_, path, headers, status) => {
    const { made, unidler } = await asleep();
    const answer = await ask(unidler.url + path, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.headers['cache-control']).toContain('no-store');
    if (status === 503) expect(answer.headers['retry-after']).toBe('10');
    expect(made.api.requests.filter(({ verb }) => verb === 'patch')).toEqual([]);
  });

  test('a POST wakes; events follow the wire format, and end with the wake', async () => {
    const { made, unidler } = await asleep();
    const woken = await ask(`${unidler.url}/wake`, { method: 'POST', origin: `https://${HOST}` });
    expect(woken.status).toBe(202);
    const [events] = await Promise.all([ask(`${unidler.url}/events/`), arise(made)]);
    expect(events.headers).toMatchObject({
      'content-type': expect.stringContaining('text/event-stream'),
      'cache-control': expect.stringContaining('no-cache'),
    });
    const blocks = events.text.split('\n\n').filter(Boolean);
    for (const block of blocks)
      expect(block).toMatch(/^id: \S+-\d+\nretry: 3000\nevent: (success)?\ndata: .+$/);
    expect(blocks[0]).toContain('event: \ndata: Starting unidling...');
    expect(blocks.at(-1)).toContain('event: success\ndata: Ready');
  });

  test('whoever comes back is told what it has not seen; a new tab everything', async () => {
    const { made, unidler } = await asleep();
    await ask(`${unidler.url}/wake`, { method: 'POST' });
    const first = await ask(`${unidler.url}/events/`, {}, (text, end) => {
      if (text.includes('Starting app.')) end();
    });
    const ids = [...first.text.matchAll(/^id: (.*)$/gm)].map(([, id = '']) => id);
    const last = ids.at(-1) ?? '';
    const [back, fresh] = await Promise.all([
      ask(`${unidler.url}/events/`, { 'last-event-id': last }),
      ask(`${unidler.url}/events/`, { 'last-event-id': 'of-another-process-7' }),
      arise(made),
    ]);
    expect(back.text).not.toContain('Starting unidling...');
    expect(back.text).toContain('data: Ready');
    expect(fresh.text).toContain('Starting unidling...');
  });

  test('a silent stream has a heartbeat', async () => {
    const { unidler } = await asleep({ heartbeatMs: 10 });
    await ask(`${unidler.url}/wake`, { method: 'POST' });
    const { text } = await ask(`${unidler.url}/events/`, {}, (sofar, end) => {
      if (sofar.split(': still here\n\n').length > 3) end();
    });
    expect(text).toContain(': still here\n\n');
  });

  test('another process goes on with what the first began, without being asked', async () => {
    const { made, unidler } = await asleep();
    await ask(`${unidler.url}/wake`, { method: 'POST' });
    await until(() => !isAsleep(made));
    await unidler.close();
    const next = await serve(made);
    const page = await ask(`${next.url}/`, HTML);
    expect(page.text).toContain('data-state="waking"');
    const [events] = await Promise.all([ask(`${next.url}/events/`), arise(made)]);
    expect(events.text).toContain('event: success\ndata: Ready');
  });

  test('allowed, a look at /events/ wakes, as the original', async () => {
    const { made, unidler } = await asleep({ wakeOnGet: true });
    const [events] = await Promise.all([ask(`${unidler.url}/events/`), arise(made)]);
    expect(events.text).toContain('data: Ready');
  });

  test('a request that is held wakes, and is sent to the app as it was; a probe is not held', async () => {
    const { made, unidler } = await asleep({ holdMs: 60_000 });
    const probe = await ask(`${unidler.url}/api`, { 'user-agent': 'kube-probe/1.30' });
    expect([probe.status, isAsleep(made)]).toEqual([503, true]);
    const [held] = await Promise.all([ask(`${unidler.url}//api/items?a=b`, { method: 'PUT' }), arise(made)]);
    expect([held.status, held.headers.location]).toEqual([307, '/api/items?a=b']);
  });

  test('an ingress that lags behind has no redirects without end: each takes its time', async () => {
    const made = await world();
    createApp(made, 'web');
    const unidler = await serve(made, { holdMs: 60_000, lagMs: 50 });
    const beganMs = performance.now();
    const held = await ask(`${unidler.url}/api`);
    expect([held.status, held.headers.location]).toEqual([307, '/api']);
    expect(performance.now() - beganMs).toBeGreaterThan(45);
    expect(made.api.requests.filter(({ verb }) => verb === 'patch')).toEqual([]);
  });

  test('what is held too long is told to come again', async () => {
    const { made, unidler } = await asleep({ holdMs: 30 });
    const held = await ask(`${unidler.url}/api`);
    expect([held.status, held.headers['retry-after']]).toEqual([503, '10']);
    expect(JSON.parse(held.text)).toMatchObject({ state: 'waking' });
    await until(() => !isAsleep(made));
  });

  test('the page has all in it, escaped, under a policy; without scripts a form and a refresh', async () => {
    const { made, unidler } = await asleep();
    const page = await ask(`${unidler.url}/a"b?c=<d>`, HTML);
    expect(page.text).toContain('data-state="idle"');
    expect(page.text).toContain('Tools &amp; Co');
    expect(page.text).not.toMatch(/(src|href)="(?!data:)/);
    expect(page.headers['content-security-policy']).toMatch(/default-src 'none'.*style-src 'sha256-/);
    const action = /action="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const posted = await ask(unidler.url + action, { ...HTML, method: 'POST' });
    expect([posted.status, posted.headers.location]).toEqual([303, '/a%22b?c=%3Cd%3E']);
    const waiting = await ask(`${unidler.url}/`, HTML);
    expect(waiting.text).toContain('http-equiv="refresh"');
    await until(() => !isAsleep(made));
  });

  test.each(['//evil.example', 'https://evil.example', '/\\evil.example', '/a\r\nb: c'])(
    'nobody is sent on to %j',
    async (back) => {
      const { unidler } = await asleep();
      const headers = { ...HTML, method: 'POST', host: 'nobody.example.org' };
      const answer = await ask(`${unidler.url}/wake?back=${encodeURIComponent(back)}`, headers);
      expect(answer.headers.location).toBe('/');
    },
  );

  test.each(['nobody.example.org', 'a'.repeat(63), '*', 'x,y=z', '../x', 'web.example.org,!a'])(
    'the host %j is no app, and no selector of ours',
    async (host) => {
      const { made, unidler } = await asleep();
      const answer = await ask(`${unidler.url}/`, { ...HTML, host });
      expect([400, 404]).toContain(answer.status);
      for (const { query } of made.api.requests)
        expect(query.get('labelSelector') ?? '').toMatch(/^$|^[\w.-]+=[-a-z0-9.]+$/);
    },
  );

  test('the host may have a port and capitals, and be known by an Ingress alone', async () => {
    const made = await world();
    createApp(made, 'web', { labels: {} });
    idleAsOriginal(made, 'web');
    const unidler = await serve(made);
    const page = await ask(`${unidler.url}/`, { ...HTML, host: 'WEB.example.org:443' });
    expect(page.text).toContain('data-state="idle"');
  });

  test('two namespaces that claim a host by a label are told apart by their rules, or not served', async () => {
    const { made, unidler } = await asleep();
    const metadata = { name: 'thief', namespace: 'default', labels: { host: HOST } };
    const rules = (host: string) => [
      {
        host,
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'x', port: { number: 1 } } } },
          ],
        },
      },
    ];
    made.api.create(KINDS.ingress, { metadata, spec: { rules: rules('thief.example.org') } });
    const page = await ask(`${unidler.url}/`, HTML);
    expect(page.text).toContain('data-state="idle"');
    made.api.create(KINDS.ingress, {
      metadata: { ...metadata, name: 'thief-2' },
      spec: { rules: rules(HOST) },
    });
    made.clock.ms += 60_000;
    expect((await ask(`${unidler.url}/`, HTML)).status).toBe(404);
  });

  test('while the cluster does not answer, that is said, and nothing else falls', async () => {
    const { made, unidler } = await asleep();
    made.api.setFaults(() => ({ status: 503 }));
    const page = await ask(`${unidler.url}/`, HTML);
    expect([page.status, page.headers['retry-after']]).toEqual([503, '5']);
    made.api.setFaults(undefined);
    expect((await ask(`${unidler.url}/`, HTML)).status).toBe(200);
  });

  test.each([
    ['an address', { address: 'nowhere' }],
    ['a template without places', { template: '<html></html>' }],
  ])('%s that will not do is refused at once', async (_, options) => {
    const made = await world();
    await expect(startUnidler({ ...DEFAULTS, ...options }, made.hands)).rejects.toMatchObject({
      code: 'config',
    });
  });

  test('the key label of the original is asked for first', async () => {
    const made = await world();
    createApp(made, 'web', { labels: { 'team/host': HOST } });
    idleAsOriginal(made, 'web');
    const unidler = await serve(made, { keyLabel: 'team/host' });
    await ask(`${unidler.url}/`, HTML);
    const [first] = made.api.requests.filter(({ kind }) => kind?.kind === 'Ingress');
    expect(first?.query.get('labelSelector')).toBe(`team/host=${HOST}`);
    expect(made.api.get(KINDS.deployment, { name: 'web', namespace: NS })).toBeDefined();
  });
});
