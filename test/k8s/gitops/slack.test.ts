import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { SamovarError } from '../../../pipeline/errors.ts';
import type { Bot } from '../../../pipeline/k8s/gitops/bot.ts';
import type { Request as Asked } from '../../../pipeline/k8s/gitops/command.ts';
import { slackText } from '../../../pipeline/k8s/gitops/slack/message.ts';
import { slackPages } from '../../../pipeline/k8s/gitops/slack/pages.ts';
import type { ReceiveOptions } from '../../../pipeline/k8s/gitops/slack/receive.ts';
import { slackJudge, slackSignature } from '../../../pipeline/k8s/gitops/slack/signature.ts';
import { runSocket } from '../../../pipeline/k8s/gitops/slack/socket.ts';

const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
/** Of Slack's documentation on verifying requests. */
const EXAMPLE = {
  timestamp: '1531420618',
  body: 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  signature: 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
};
const NOW_MS = Number(EXAMPLE.timestamp) * 1_000;

describe('signatures', () => {
  test("Slack's own example is right, once", () => {
    const judge = slackJudge(SECRET, () => NOW_MS);
    expect(judge(EXAMPLE)).toBe('right');
    expect(judge(EXAMPLE)).toBe('replayed');
  });
  test.each([
    ['another body', { ...EXAMPLE, body: `${EXAMPLE.body}&x=1` }],
    ['another time', { ...EXAMPLE, timestamp: '1531420619' }],
    ['no time', { ...EXAMPLE, timestamp: '' }],
    ['no number', { ...EXAMPLE, timestamp: '1531420618x' }],
    ['another signature', { ...EXAMPLE, signature: EXAMPLE.signature.replace('a2', 'a3') }],
    ['a shorter one', { ...EXAMPLE, signature: EXAMPLE.signature.slice(0, -1) }],
    ['another version', { ...EXAMPLE, signature: EXAMPLE.signature.replace('v0', 'v1') }],
    ['none', { ...EXAMPLE, signature: '' }],
  ])('%s is wrong', (_, signed) => expect(slackJudge(SECRET, () => NOW_MS)(signed)).toBe('wrong'));
  test.each([
    [300, 'right'],
    [301, 'late'],
    [-300, 'right'],
    [-301, 'late'],
  ])('%d seconds after it was signed it is %s', (seconds, verdict) => {
    expect(slackJudge(SECRET, () => NOW_MS + seconds * 1_000)(EXAMPLE)).toBe(verdict);
  });
  test('one from ahead of our clock is known as long as it could come again', () => {
    const clock = { ms: NOW_MS - 290_000 };
    const judge = slackJudge(SECRET, () => clock.ms);
    expect(judge(EXAMPLE)).toBe('right');
    clock.ms = NOW_MS + 299_000;
    expect(judge({ ...EXAMPLE, body: 'x', signature: slackSignature(SECRET, EXAMPLE.timestamp, 'x') })).toBe(
      'right',
    );
    expect(judge(EXAMPLE)).toBe('replayed');
  });
  test('more than can be remembered are refused, not forgotten', () => {
    const judge = slackJudge(SECRET, () => NOW_MS, 1);
    judge(EXAMPLE);
    expect(judge({ ...EXAMPLE, body: 'x', signature: slackSignature(SECRET, EXAMPLE.timestamp, 'x') })).toBe(
      'too many',
    );
    expect(judge(EXAMPLE)).toBe('replayed');
  });
});

/** Slack, as far as it is written to: response URLs and methods. */
const posts: { readonly path: string; readonly body: Record<string, unknown> }[] = [];
let answer: (path: string) => object = () => ({ ok: true });
const sockets = new Set<Duplex>();
const slack = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  posts.push({ path: request.url ?? '', body: JSON.parse(text) as Record<string, unknown> });
  response.setHeader('content-type', 'application/json').end(JSON.stringify(answer(request.url ?? '')));
});
await new Promise<void>((resolve) => slack.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${(slack.address() as AddressInfo).port}`;
const stop = new AbortController();
afterAll(() => {
  stop.abort();
  for (const socket of sockets) socket.destroy();
  slack.closeAllConnections();
  slack.close();
});
beforeEach(() => {
  posts.length = 0;
  answer = () => ({ ok: true });
});

function receiving(bot: Bot['handle'], more: Partial<ReceiveOptions> = {}) {
  const works: Promise<void>[] = [];
  const options: ReceiveOptions = {
    bot: { handle: bot },
    newId: () => 'r1',
    onWork: (work) => works.push(work),
    hooksOrigin: origin,
    apiUrl: `${origin}/api`,
    signal: stop.signal,
    log: () => undefined,
    ...more,
  };
  return { options, done: () => Promise.all(works) };
}

const FIELDS = {
  command: '/major-tom',
  text: 'deploy api env=dev image-tag=v2',
  user_id: 'U123',
  user_name: 'ann',
  team_id: 'T1',
  channel_id: 'C1',
  response_url: `${origin}/hook`,
};

function ask(options: ReceiveOptions, fields: Record<string, string>, path = '/commands') {
  const app = slackPages({ ...options, signingSecret: SECRET, nowMs: () => NOW_MS });
  const body = new URLSearchParams(fields).toString();
  const signature = slackSignature(SECRET, EXAMPLE.timestamp, body);
  const headers = { 'x-slack-request-timestamp': EXAMPLE.timestamp, 'x-slack-signature': signature };
  return app.request(path, { method: 'POST', body, headers });
}

describe('over HTTP', () => {
  test('a command is acknowledged at once, though what it does never ends', async () => {
    const asked: Asked[] = [];
    const { options } = receiving((request) => {
      asked.push(request);
      return new Promise(() => undefined);
    });
    const response = await ask(options, FIELDS);
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(asked).toEqual([{ id: 'r1', person: { id: 'slack:U123', name: 'ann' }, text: FIELDS.text }]);
  });

  test('one message tells how it goes: posted, then replaced', async () => {
    const { options, done } = receiving(async (_, onProgress) => {
      onProgress?.('changing it');
      return { state: 'done', lines: ['deployed <!channel>'] };
    });
    await ask(options, FIELDS);
    await done();
    expect(posts.map(({ body }) => [body.response_type, body.replace_original])).toEqual([
      ['in_channel', false],
      ['in_channel', true],
    ]);
    expect(posts[1]?.body.text).toBe('<@U123> on ground control\n```\ndeployed &lt;!channel&gt;\n```');
  });

  test('with a bot token it is one message of the channel', async () => {
    answer = () => ({ ok: true, ts: '1.2', channel: 'C1' });
    const { options, done } = receiving(
      async (_, onProgress) => {
        for (const step of ['one', 'two', 'three']) onProgress?.(step);
        return { state: 'done', lines: ['deployed'] };
      },
      { botToken: 'xoxb' },
    );
    await ask(options, FIELDS);
    await done();
    expect(posts.map(({ path, body }) => [path, body.ts])).toEqual([
      ['/api/chat.postMessage', undefined],
      ...Array.from({ length: 3 }, () => ['/api/chat.update', '1.2']),
    ]);
  });

  test('a response URL gets its five posts at most, the last for the end', async () => {
    const { options, done } = receiving(async (_, onProgress) => {
      for (let step = 0; step < 9; step += 1) onProgress?.(`step ${step}`);
      return { state: 'done', lines: ['deployed'] };
    });
    await ask(options, FIELDS);
    await done();
    expect(posts).toHaveLength(5);
    expect(posts.at(-1)?.body.text).toContain('deployed');
  });

  test('a mistake is told to the one who made it, without what is below it', async () => {
    const { options, done } = receiving(async () => {
      throw new SamovarError('refused', 'call help', { cause: new Error('secret path') });
    });
    await ask(options, FIELDS);
    await done();
    expect(posts.map(({ body }) => body.response_type)).toEqual(['ephemeral']);
    expect(JSON.stringify(posts)).toContain('call help');
    expect(JSON.stringify(posts)).not.toContain('secret path');
  });

  test('a response URL that is not of Slack is not written to', async () => {
    const { options, done } = receiving(async () => ({ state: 'done', lines: ['x'] }));
    const evil = { ...FIELDS, response_url: `${origin.replace('127.0.0.1', 'localhost')}/hook` };
    await ask(options, evil);
    await done();
    expect(posts).toEqual([]);
  });

  test.each([
    [
      'another command',
      { ...FIELDS, command: '/other' },
      '/other is not a supported slash command\ncall help',
    ],
    ['another workspace', { ...FIELDS, team_id: 'T2' }, 'this workspace is not listened to'],
    ['a user that is none', { ...FIELDS, user_id: '../x' }, 'this request is malformed'],
  ])('%s is answered, and nothing is run', async (_, fields, text) => {
    const bot = vi.fn<Bot['handle']>();
    const { options } = receiving(bot, { teams: ['T1'] });
    expect(await (await ask(options, fields)).json()).toEqual({ response_type: 'ephemeral', text });
    expect(bot).not.toHaveBeenCalled();
  });

  test('what is not signed, or comes again, runs nothing', async () => {
    const bot = vi.fn<Bot['handle']>(async () => ({ state: 'answer', lines: [] }));
    const { options, done } = receiving(bot);
    const verdicts: string[] = [];
    const clock = { ms: NOW_MS };
    const app = slackPages({
      ...options,
      signingSecret: SECRET,
      nowMs: () => clock.ms,
      onRefused: (_, reason) => verdicts.push(reason),
    });
    const headers = { 'x-slack-request-timestamp': EXAMPLE.timestamp };
    const post = (body: string, signature: string) =>
      app.request('/commands', {
        method: 'POST',
        body,
        headers: { ...headers, 'x-slack-signature': signature },
      });
    const body = new URLSearchParams(FIELDS).toString();
    const signature = slackSignature(SECRET, EXAMPLE.timestamp, body);
    expect((await post(body, signature.replace(/.$/, '!'))).status).toBe(401);
    expect((await post(body, signature)).status).toBe(200);
    expect((await post(body, signature)).status).toBe(401);
    expect((await post('x'.repeat(300_000), signature)).status).toBe(413);
    clock.ms += 301_000;
    const other = `${body}&x=1`;
    expect((await post(other, slackSignature(SECRET, EXAMPLE.timestamp, other))).status).toBe(401);
    expect(verdicts).toEqual(['wrong', 'replayed', 'late']);
    await done();
    expect(bot).toHaveBeenCalledTimes(1);
  });

  test('a button is a command of the one who presses it', async () => {
    const asked: Asked[] = [];
    const { options, done } = receiving(async (request) => {
      asked.push(request);
      return { state: 'done', lines: [] };
    });
    const payload = {
      type: 'block_actions',
      user: { id: 'U9', username: 'ben' },
      team: { id: 'T1' },
      channel: { id: 'C1' },
      response_url: FIELDS.response_url,
      actions: [{ action_id: 'samovar_approve', value: '0a1b2c' }],
    };
    const press = (actions: unknown) =>
      ask(options, { payload: JSON.stringify({ ...payload, actions }) }, '/interactions');
    await press(payload.actions);
    await press([{ action_id: 'samovar_approve', value: '0a1b2c env=x' }]);
    await press([{ action_id: 'samovar_deploy', value: '0a1b2c' }]);
    await press(null);
    await done();
    expect(asked.map(({ text, person }) => [text, person.id])).toEqual([['approve 0a1b2c', 'slack:U9']]);
  });

  test('what waits has buttons', async () => {
    const waiting = { id: '0a1b2c', for: 'approval' } as const;
    const { options, done } = receiving(async () => ({ state: 'waiting', lines: ['x'], waiting }));
    await ask(options, FIELDS);
    await done();
    const ids = JSON.stringify(posts[0]?.body.blocks).match(/samovar_\w+/g);
    expect(ids).toEqual(['samovar_approve', 'samovar_reject']);
  });
});

test('nothing that is typed closes the fence or calls a channel', () => {
  expect(slackText('``` <!channel> <@U1> &')).toBe("''' &lt;!channel&gt; &lt;@U1&gt; &amp;");
});

test('Socket Mode: acknowledged by its envelope, once each, over connections that end', {
  timeout: 20_000,
}, async () => {
  const asked: string[] = [];
  const acks: unknown[] = [];
  let connections = 0;
  const socketStop = new AbortController();
  const { options } = receiving(async ({ text }) => {
    asked.push(text);
    return { state: 'answer', lines: [text] };
  });
  answer = (path) =>
    path.endsWith('apps.connections.open') ? { ok: true, url: origin.replace('http', 'ws') } : { ok: true };
  slack.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    connections += 1;
    const say = accept(request, socket, (message) => {
      acks.push(message);
      if (connections === 1) socket.end();
      else socketStop.abort();
    });
    say({ type: 'hello' });
    // The acknowledgement of the first was lost, so Slack sends it again on the next connection.
    say({ type: 'slash_commands', envelope_id: 'e1', payload: { ...FIELDS, text: 'list' } });
  });
  const signal = AbortSignal.any([socketStop.signal, stop.signal]);
  await runSocket({
    ...options,
    signal,
    appToken: 'xapp',
    sleep: async () => undefined,
    random: Math.random,
  });
  expect(connections).toBe(2);
  expect(acks).toEqual([{ envelope_id: 'e1' }, { envelope_id: 'e1' }]);
  expect(asked).toEqual(['list']);
});

test('Socket Mode: pings keep a connection, silence ends it though nobody closed it', {
  timeout: 40_000,
}, async () => {
  const SILENCE_MS = 2_000;
  const PINGS = 15;
  const socketStop = new AbortController();
  const logs: string[] = [];
  const acks: unknown[] = [];
  const { options } = receiving(async () => ({ state: 'answer', lines: [] }));
  answer = (path) =>
    path.endsWith('apps.connections.open') ? { ok: true, url: origin.replace('http', 'ws') } : { ok: true };
  let connections = 0;
  slack.removeAllListeners('upgrade');
  slack.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    connections += 1;
    if (connections > 1) return socketStop.abort();
    const say = accept(request, socket, (message) => void acks.push(message));
    say({ type: 'hello' });
    let pings = 0;
    const timer = setInterval(() => {
      pings += 1;
      if (pings <= PINGS) return void socket.write(Buffer.from([0x89, 0]));
      clearInterval(timer);
      say({ type: 'slash_commands', envelope_id: 'late', payload: FIELDS });
    }, SILENCE_MS / 10);
  });
  await runSocket({
    ...options,
    signal: AbortSignal.any([socketStop.signal, stop.signal]),
    log: (message) => logs.push(message),
    appToken: 'xapp',
    sleep: async () => undefined,
    random: Math.random,
    silenceMsMax: SILENCE_MS,
  });
  expect(acks).toEqual([{ envelope_id: 'late' }]);
  expect(logs[0]).toContain('it said nothing for 2 seconds');
});

test('Socket Mode ends where Slack refuses the token', async () => {
  answer = () => ({ ok: false, error: 'invalid_auth' });
  const { options } = receiving(async () => ({ state: 'answer', lines: [] }));
  const run = runSocket({ ...options, appToken: 'x', sleep: async () => undefined, random: Math.random });
  await expect(run).rejects.toMatchObject({ code: 'denied' });
});

/** As much of a WebSocket server as one frame of text needs. */
function accept(request: IncomingMessage, socket: Duplex, onMessage: (message: unknown) => void) {
  sockets.add(socket);
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accepted = createHash('sha1').update(key).digest('base64');
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  socket.write(`${[...lines, `Sec-WebSocket-Accept: ${accepted}`].join('\r\n')}\r\n\r\n`);
  socket.on('error', () => undefined);
  socket.on('data', (data: Buffer) => {
    if (data[0] !== 0x81) return;
    const length = (data[1] ?? 0) & 0x7f;
    const mask = data.subarray(2, 6);
    const text = Buffer.from(data.subarray(6, 6 + length).map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
    onMessage(JSON.parse(text.toString()));
  });
  return (message: object) => {
    const text = Buffer.from(JSON.stringify(message));
    const head = text.length < 126 ? [0x81, text.length] : [0x81, 126, text.length >> 8, text.length & 0xff];
    socket.write(Buffer.concat([Buffer.from(head), text]));
  };
}
