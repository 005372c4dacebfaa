import { Hono } from 'hono';
import { describeError } from '../../errors.ts';
import { apiPages } from './api.ts';
import type { BotSecrets } from './config.ts';
import type { GitopsMetrics } from './metrics.ts';
import { slackPages } from './slack/pages.ts';
import type { ReceiveOptions } from './slack/receive.ts';

export interface GitopsPagesOptions extends ReceiveOptions {
  readonly secrets: BotSecrets;
  readonly nowMs: () => number;
  /** How long the API keeps a caller waiting. */
  readonly waitMs: number;
  readonly onRefused?: ((from: 'slack' | 'api', reason: string) => void) | undefined;
}

/** What the bot serves: /healthz, and each way in for which there is a secret. */
export function gitopsPages(options: GitopsPagesOptions): Hono {
  const { slackSigningSecret: signingSecret, apiTokens: tokens = [] } = options.secrets;
  const app = new Hono();
  app.get('/healthz', (context) => context.text('ok'));
  if (signingSecret !== undefined) app.route('/slack', slackPages({ ...options, signingSecret }));
  if (tokens.length > 0) app.route('/', apiPages({ ...options, tokens }));
  app.onError((error, context) => {
    options.log(`a request failed: ${describeError(error)}`);
    return context.text('this operation failed', 500);
  });
  return app;
}

/** For whoever watches the bot; nothing of it asks for a token. */
export function metricsPages({ render }: Pick<GitopsMetrics, 'render'>): Hono {
  const app = new Hono();
  app.get('/healthz', (context) => context.text('ok'));
  app.get('/metrics', async (context) =>
    context.body(await render(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
  return app;
}
