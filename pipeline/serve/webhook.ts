import { verifyWithFallback } from '@octokit/webhooks-methods';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Delivery } from './webhook-delivery.ts';
import { deliveryOf } from './webhook-delivery.ts';

/** GitHub sends no larger ones. */
const BODY_BYTES_MAX = 25 * 2 ** 20;
/** Bodies held in memory at once. */
const BODIES_MAX = 4;
const DELIVERY_ID = /^[\w-]{1,100}$/;

export interface WebhookOptions {
  /** What GitHub signs with; more than one while a new one is being brought in. At least one. */
  readonly secrets: readonly string[];
  /** Notes a delivery whose signature is right; `seen` where its id was noted before, `unknown` for a repository nobody follows. */
  readonly accept: (delivery: Delivery) => 'accepted' | 'seen' | 'unknown';
  readonly onAnswer?: (event: string, answer: string) => void;
  readonly log: (message: string, error: unknown) => void;
  readonly bodyBytesMax?: number;
}

/**
 * Where GitHub tells that something happened: `POST /`. Only what bears its signature is looked at, and all that it does is to have a
 * repository asked about sooner: what is lost, forged or late changes no data.
 */
export function webhookPages(options: WebhookOptions): Hono {
  const app = new Hono();
  const limit = bodyLimit({
    maxSize: options.bodyBytesMax ?? BODY_BYTES_MAX,
    onError: (context) => told(options, context, 413, 'larger than GitHub sends'),
  });
  let open = 0;
  app.post('/', async (context, next) => {
    if (open >= BODIES_MAX) return told(options, context, 503, 'too many at once: send it again');
    open += 1;
    try {
      return await limit(context, next);
    } finally {
      open -= 1;
    }
  });
  app.post('/', (context) => receive(options, context));
  app.all('/', (context) => {
    context.header('allow', 'POST');
    return told(options, context, 405, 'only POST');
  });
  app.onError((error, context) => {
    options.log('a webhook delivery failed', error);
    return told(options, context, 503, 'it could not be noted: send it again');
  });
  return app;
}

async function receive(options: WebhookOptions, context: Context): Promise<Response> {
  const { headers } = context.req.raw;
  const id = headers.get('x-github-delivery') ?? '';
  const event = headers.get('x-github-event') ?? '';
  const signature = headers.get('x-hub-signature-256') ?? '';
  if (!isJson(headers.get('content-type')))
    return told(options, context, 415, "choose application/json as the webhook's content type");
  const body = await context.req.text();
  // Nothing of it is believed before this: not even its id is noted.
  if (body === '' || signature === '' || !(await isSigned(options.secrets, body, signature)))
    return told(options, context, 401, 'the signature is missing or wrong');
  if (!DELIVERY_ID.test(id) || event === '') return told(options, context, 400, 'no delivery of GitHub');
  if (event === 'ping') return told(options, context, 200, 'pong');
  const delivery = deliveryOf({ id, event }, body);
  if (delivery === undefined) return told(options, context, 202, 'not about a repository');
  const answer = options.accept(delivery);
  return told(options, context, answer === 'seen' ? 200 : 202, answer);
}

async function isSigned(secrets: readonly string[], body: string, signature: string): Promise<boolean> {
  const [first = '', ...others] = secrets;
  return (await verifyWithFallback(first, body, signature, others)) === true;
}

function isJson(type: string | null): boolean {
  return /^application\/json\s*(;|$)/i.test(type ?? '');
}

type Status = 200 | 202 | 400 | 401 | 405 | 413 | 415 | 503;

function told(options: WebhookOptions, context: Context, status: Status, answer: string): Response {
  const event = context.req.header('x-github-event') ?? '';
  // Whoever is not known to be GitHub does not choose what a counter is called.
  options.onAnswer?.(status < 300 ? event.slice(0, 50) : '', answer);
  return context.text(`${answer}\n`, status);
}
