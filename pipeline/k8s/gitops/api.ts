import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { describeError, type ErrorCode, SamovarError } from '../../errors.ts';
import type { Bot } from './bot.ts';
import type { Person } from './command.ts';
import type { Reply } from './reply.ts';
import { isSame } from './slack/signature.ts';

export interface ApiOptions {
  readonly bot: Bot;
  readonly tokens: readonly { readonly name: string; readonly token: string }[];
  readonly newId: () => string;
  readonly onWork: (work: Promise<void>) => void;
  readonly log: (message: string) => void;
  /** How long a caller is kept waiting for the end; then it asks again by the id. */
  readonly waitMs: number;
  readonly onRefused?: ((from: 'api', reason: string) => void) | undefined;
}

interface Asked {
  readonly person: string;
  readonly text: string;
  readonly id: string;
  outcome: { readonly status: number; readonly body: object } | undefined;
  readonly done: Promise<void>;
}

const BODY_BYTES_MAX = 16 * 1024;
/** The latest, so that a caller who lost an answer can ask what became of it. */
const KEPT_MAX = 1_000;
const KEY = /^[A-Za-z0-9_-]{8,100}$/;
const STATUS: Partial<Record<ErrorCode, 400 | 403 | 404 | 409 | 422 | 429 | 502 | 503 | 504>> = {
  refused: 422,
  malformed: 422,
  missing: 404,
  denied: 403,
  conflict: 409,
  throttled: 429,
  network: 502,
  timeout: 504,
  unavailable: 503,
};

/**
 * For CI: `POST /v1/commands` with `{"text": "deploy api env=dev image-tag=v2"}` and a bearer token. 200 with what it came to; 202 where
 * it is not done in time: `GET /v1/requests/ID` tells then. With an `Idempotency-Key`, asking again asks for nothing new.
 */
export function apiPages(options: ApiOptions): Hono {
  const app = new Hono();
  const kept = new Map<string, Asked>();
  const keys = new Map<string, string>();
  const limit = bodyLimit({
    maxSize: BODY_BYTES_MAX,
    onError: (context) => context.json(problem('too large'), 413),
  });
  app.post('/v1/commands', limit, async (context) => {
    const person = personOf(context, options);
    if (person === undefined) return unknown(context, options);
    const text = textOf(await context.req.text());
    if (text === undefined) return context.json(problem('the body must be {"text": "..."}'), 400);
    const key = context.req.header('idempotency-key');
    if (key !== undefined && !KEY.test(key))
      return context.json(problem('the Idempotency-Key is malformed'), 400);
    const known = key === undefined ? undefined : kept.get(keys.get(`${person.id} ${key}`) ?? '');
    if (known !== undefined && known.text !== text)
      return context.json(problem('this Idempotency-Key was used for another command'), 422);
    const asked = known ?? begin(text, person, options);
    kept.set(asked.id, asked);
    if (key !== undefined) keys.set(`${person.id} ${key}`, asked.id);
    forget(kept, keys);
    await Promise.race([asked.done, later(options.waitMs)]);
    return told(context, asked);
  });
  app.get('/v1/requests/:id', (context) => {
    const person = personOf(context, options);
    if (person === undefined) return unknown(context, options);
    const asked = kept.get(context.req.param('id'));
    if (asked?.person !== person.id) return context.json(problem('there is no such request'), 404);
    return told(context, asked);
  });
  return app;
}

function begin(text: string, person: Person, { bot, newId, onWork, log }: ApiOptions): Asked {
  const id = newId();
  const run = async () => {
    try {
      const reply: Reply = await bot.handle({ id, person, text });
      asked.outcome = { status: 200, body: { id, ...reply } };
    } catch (error) {
      log(`a command of ${person.id} failed: ${describeError(error)}`);
      asked.outcome = failure(id, error);
    }
  };
  const asked: Asked = { id, text, person: person.id, outcome: undefined, done: Promise.resolve().then(run) };
  onWork(asked.done);
  return asked;
}

function failure(id: string, error: unknown) {
  if (!(error instanceof SamovarError))
    return { status: 500, body: { id, ...problem('this operation failed') } };
  const { code, message, remedy } = error;
  return {
    status: STATUS[code] ?? 500,
    body: { id, code, error: message, ...(remedy === undefined ? {} : { remedy }) },
  };
}

function told(context: Context, { id, outcome }: Asked): Response {
  if (outcome !== undefined) return context.json(outcome.body, outcome.status as 200);
  context.header('location', `/v1/requests/${id}`);
  context.header('retry-after', '2');
  return context.json({ id, state: 'running' }, 202);
}

/** All tokens are looked at, so that the time tells nothing of which was near. */
function personOf(context: Context, { tokens }: ApiOptions): Person | undefined {
  const given = /^Bearer (\S{1,500})$/i.exec(context.req.header('authorization') ?? '')?.[1] ?? '';
  const found = tokens.filter(({ token }) => isSame(given, token));
  const [first] = found;
  return first === undefined ? undefined : { id: `token:${first.name}`, name: first.name };
}

function unknown(context: Context, { onRefused }: ApiOptions): Response {
  onRefused?.('api', 'token');
  context.header('www-authenticate', 'Bearer');
  return context.json(problem('a bearer token is needed'), 401);
}

function textOf(body: string): string | undefined {
  try {
    const value = JSON.parse(body) as { text?: unknown } | null;
    return typeof value?.text === 'string' ? value.text : undefined;
  } catch {
    return undefined;
  }
}

function forget(kept: Map<string, Asked>, keys: Map<string, string>): void {
  for (const [id, { outcome }] of kept) {
    if (kept.size <= KEPT_MAX) break;
    if (outcome !== undefined) kept.delete(id);
  }
  for (const [key, id] of keys) if (!kept.has(id)) keys.delete(key);
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

const problem = (error: string) => ({ error });
