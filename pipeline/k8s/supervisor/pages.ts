import { type Context, Hono } from 'hono';
import { describeError } from '../../errors.ts';
import type { Report } from './contract.ts';

export interface PagesOptions {
  /** Undefined: another process leads. */
  readonly update: () => Promise<Report> | undefined;
  /** Why it is of no use to go on, undefined: it is fine. */
  readonly stuck: () => string | undefined;
  readonly leads: () => boolean;
  readonly render: () => Promise<string>;
}

const STATUS = { done: 200, partly: 500, failed: 503 } as const;

/** `/update`, `/healthz` (`/_healthz` too, as in the original), `/readyz`, `/metrics`. */
export function supervisorPages({ update, stuck, leads, render }: PagesOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header('cache-control', 'no-store');
    context.header('x-content-type-options', 'nosniff');
  });
  const updated = async (context: Context) => {
    const report = update();
    if (report === undefined)
      return context.json({ outcome: 'failed', reason: 'another process leads: ask that one' }, 503, {
        'retry-after': '1',
      });
    try {
      const found = await report;
      return context.json(found, STATUS[found.outcome]);
    } catch (error) {
      return context.json({ outcome: 'failed', reason: `stopped meanwhile: ${describeError(error)}` }, 503);
    }
  };
  const healthy = (context: Context) => {
    const why = stuck();
    return why === undefined ? context.text('ok') : context.text(why, 503);
  };
  // GET too: the original's router and admin page ask so.
  app.on(['GET', 'POST'], '/update', updated);
  for (const path of ['/healthz', '/_healthz']) app.get(path, healthy);
  app.get('/readyz', (context) =>
    leads() ? context.text('leads') : context.text('another process leads', 503),
  );
  app.get('/metrics', async (context) =>
    context.body(await render(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
  app.notFound((context) => context.text('no such page\n', 404));
  return app;
}
