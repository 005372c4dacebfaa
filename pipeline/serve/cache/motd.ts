import { createHash } from 'node:crypto';
import { type Context, Hono } from 'hono';
import type { Message, MessageStore } from '../../store/cache-messages.ts';
import { keyCheck } from '../key.ts';
import { HttpRefusal } from './refusal.ts';

const PATH = '/api/v1/motd/service_messages';
const WRITES: readonly string[] = ['PUT', 'POST', 'DELETE'];
const MESSAGES_MAX = 20;
const TEXT_CHARS_MAX = 2_000;
const SEVERITIES: readonly string[] = ['info', 'success', 'warning', 'danger', 'error'];

/** The message of the day: read by everybody, written by who has the secret (`Authorization: Bearer …`). */
export function motdPages(messages: MessageStore | undefined, secret: string | undefined): Hono {
  const app = new Hono();
  app.get(PATH, (context) => {
    const body = JSON.stringify((messages?.list() ?? []).map(shown));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    context.header('etag', etag);
    context.header('cache-control', 'no-cache');
    if (isKnown(context.req.header('if-none-match'), etag)) return context.body(null, 304);
    return context.body(body, 200, { 'content-type': 'application/json' });
  });
  const store = guard(messages, secret);
  app.put(PATH, async (context) => {
    const list = await bodyOf(context);
    if (!Array.isArray(list)) throw new HttpRefusal(400, 'give all messages: [{"text": …, "severity": …}]');
    if (list.length > MESSAGES_MAX) throw tooMany();
    return context.json(store(context).replace(list.map(messageOf)).map(shown));
  });
  app.post(PATH, async (context) => {
    const message = messageOf(await bodyOf(context));
    const added = store(context).add(message, MESSAGES_MAX);
    if (added === undefined) throw tooMany();
    return context.json(shown(added), 201);
  });
  app.delete(PATH, (context) => {
    store(context).replace([]);
    return context.body(null, 204);
  });
  app.delete(`${PATH}/:id{[0-9]{1,15}}`, (context) => {
    if (!store(context).remove(Number(context.req.param('id'))))
      throw new HttpRefusal(404, 'there is no message of this id');
    return context.body(null, 204);
  });
  // Before any body is read.
  const outer = new Hono();
  for (const path of [PATH, `${PATH}/*`])
    outer.use(path, async (context, next) => {
      if (WRITES.includes(context.req.method)) store(context);
      await next();
    });
  return outer.route('/', app);
}

/** An `If-None-Match` that names this answer. */
export function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const bare = etag.replace(/^W\//, '');
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === bare);
}

function shown({ id, text, severity }: Message) {
  return { id, text, severity };
}

function guard(messages: MessageStore | undefined, secret: string | undefined) {
  const check = secret === undefined ? undefined : keyCheck(secret);
  return (context: Context): MessageStore => {
    if (messages === undefined || check === undefined)
      throw new HttpRefusal(404, 'messages cannot be set here: this server has no secret for it');
    const [, token] = /^Bearer ([\x21-\x7e]{1,512})$/.exec(context.req.header('authorization') ?? '') ?? [];
    if (!check(token)) throw new HttpRefusal(401, 'give the secret: Authorization: Bearer SECRET');
    return messages;
  };
}

async function bodyOf(context: Context): Promise<unknown> {
  if (!/^application\/json\b/.test(context.req.header('content-type') ?? ''))
    throw new HttpRefusal(415, 'give JSON, and say so: Content-Type: application/json');
  try {
    return (await context.req.json()) as unknown;
  } catch {
    throw new HttpRefusal(400, 'the body is no JSON');
  }
}

function messageOf(value: unknown): Omit<Message, 'id'> {
  const { text, severity = 'info' } = (value ?? {}) as Partial<Record<'text' | 'severity', unknown>>;
  if (typeof text !== 'string' || text.trim() === '' || text.length > TEXT_CHARS_MAX)
    throw new HttpRefusal(400, `text: give 1 to ${TEXT_CHARS_MAX} characters`);
  if (typeof severity !== 'string' || !SEVERITIES.includes(severity))
    throw new HttpRefusal(400, `severity: give one of ${SEVERITIES.join(', ')}`);
  return { text, severity };
}

function tooMany(): HttpRefusal {
  return new HttpRefusal(409, `at most ${MESSAGES_MAX} messages may be: delete one first`);
}
