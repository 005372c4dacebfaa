import { type Context, Hono } from 'hono';
import { SamovarError } from '../errors.ts';
import type { Metrics, Progress, Readiness } from './contract.ts';
import { taskText } from './progress.ts';

const INDEX = `Samovar
/healthz  is anything stuck?
/readyz   can it work?
/metrics  for Prometheus
`;
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface PagesOptions {
  readonly progress: Progress;
  readonly metrics: Metrics;
  readonly ready: () => Promise<readonly Readiness[]>;
  readonly readyMs: number;
  readonly log: (message: string, error: unknown) => void;
}

/** The monitor's pages. None of them reads a request's body, and none shows settings or the environment. */
export function createPages({ progress, metrics, ready, readyMs, log }: PagesOptions): Hono {
  const app = new Hono();
  const ask = readiness(ready, readyMs, log);
  app.use(async (context, next) => {
    await next();
    context.header('cache-control', 'no-store');
    context.header('x-content-type-options', 'nosniff');
  });
  const page = (path: string, show: (context: Context) => Response | Promise<Response>) => {
    // A HEAD is served as its GET, without the body.
    app.get(path, show);
    app.all(path, (context) => context.text('only GET and HEAD\n', 405, { allow: 'GET, HEAD' }));
  };
  page('/', (context) => context.text(INDEX));
  page('/healthz', (context) => {
    const stuck = progress.stuck();
    if (stuck.length === 0) return context.text('ok\n');
    return context.text(`${stuck.map(taskText).join('\n')}\n`, 503);
  });
  page('/readyz', async (context) => {
    const states = await ask();
    return context.json(states, states.every((state) => state.ready) ? 200 : 503);
  });
  page('/metrics', async (context) =>
    context.body(await metrics.render(), 200, { 'content-type': METRICS_TYPE }),
  );
  app.notFound((context) => context.text('no such page\n', 404));
  app.onError((error, context) => {
    log(`the page ${context.req.path} failed`, error);
    return context.text('this page failed\n', 500);
  });
  return app;
}

type States = readonly Readiness[];

/** Asks in bounded time. While a question is open nobody asks again: what hangs is not made worse by every probe. */
function readiness(ready: () => Promise<States>, deadlineMs: number, log: PagesOptions['log']) {
  let open: Promise<States> | undefined;
  const failed = (error: unknown): States => {
    log('readiness could not be told', error);
    // Only our own messages are known to hold no secret.
    return notReady(error instanceof SamovarError ? error.message : 'the question failed: see the log');
  };
  return async (): Promise<States> => {
    open ??= Promise.resolve()
      .then(ready)
      .catch(failed)
      .finally(() => {
        open = undefined;
      });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<States>((resolve) => {
      timer = setTimeout(() => resolve(notReady(`no answer within ${deadlineMs} ms`)), deadlineMs);
    });
    return Promise.race([open, late]).finally(() => clearTimeout(timer));
  };
}

function notReady(detail: string): States {
  return [{ name: 'readiness', ready: false, detail }];
}
