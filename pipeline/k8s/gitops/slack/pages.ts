import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { type ReceiveOptions, receiveButton, receiveSlash } from './receive.ts';
import { slackJudge } from './signature.ts';

export interface SlackPagesOptions extends ReceiveOptions {
  readonly signingSecret: string;
  readonly nowMs: () => number;
  readonly onRefused?: ((from: 'slack', reason: string) => void) | undefined;
}

const BODY_BYTES_MAX = 256 * 1024;

/**
 * `POST /commands` and `POST /interactions`, for Slack's servers: only what they signed within five minutes, once. The answer goes out at
 * once; what a command comes to is told by its response URL.
 */
export function slackPages(options: SlackPagesOptions): Hono {
  const app = new Hono();
  const judge = slackJudge(options.signingSecret, options.nowMs);
  const limit = bodyLimit({ maxSize: BODY_BYTES_MAX, onError: (context) => context.text('too large', 413) });
  const judged = async (context: Context): Promise<URLSearchParams | Response> => {
    const body = await context.req.text();
    const timestamp = context.req.header('x-slack-request-timestamp') ?? '';
    const signature = context.req.header('x-slack-signature') ?? '';
    const verdict = judge({ timestamp, signature, body });
    if (verdict === 'right') return new URLSearchParams(body);
    options.onRefused?.('slack', verdict);
    options.log(`a request that claims to come from Slack is refused: ${verdict}`);
    return context.text(`refused: ${verdict}`, verdict === 'too many' ? 503 : 401);
  };
  app.post('/commands', limit, async (context) => {
    const form = await judged(context);
    if (form instanceof Response) return form;
    // Slack asks now and then whether somebody is there.
    if (form.get('ssl_check') === '1') return context.body(null, 200);
    const ack = receiveSlash(Object.fromEntries(form), options);
    return ack === undefined ? context.body(null, 200) : context.json(ack);
  });
  app.post('/interactions', limit, async (context) => {
    const form = await judged(context);
    if (form instanceof Response) return form;
    receiveButton(parsed(form.get('payload')), options);
    return context.body(null, 200);
  });
  return app;
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
