import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { describeError, SamovarError } from '../../errors.ts';
import { startHttp } from '../../serve/http.ts';
import { webhookPages } from '../../serve/webhook.ts';
import { acceptDelivery } from '../../serve/webhook-delivery.ts';
import { type CommonArgs, commonOptions, withContext } from '../run.ts';

type Args = CommonArgs & { readonly http: string };

export const webhookCommand: CommandModule<object, Args> = {
  command: 'webhook',
  describe: "Take GitHub's webhooks: what they tell of is synced sooner",
  builder: (yargs) =>
    commonOptions(yargs)
      .option('http', {
        type: 'string',
        default: '8090',
        describe: 'HOST:PORT, or PORT for this machine only; behind something that speaks TLS',
      })
      .example(
        '$0 mutation-log webhook --http 0.0.0.0:8090',
        'beside `mutation-log sync`, on the same database',
      )
      .epilogue('The secret: SAMOVAR_WEBHOOK_SECRET, or webhook_secret_file; a second line is accepted too.'),
  handler: (args) =>
    withContext(args, (context) => webhook(context, args), { mutationLog: true, graceful: true }),
};

async function webhook(context: Context, { http }: Args): Promise<number> {
  const secrets = secretsOf(context);
  const store = context.openStore();
  const app = webhookPages({
    secrets,
    accept: (delivery) => acceptDelivery(store, delivery),
    onAnswer: (event, answer) => context.log.debug({ event, answer }, 'a delivery'),
    log: (message, error) => context.log.error({ reason: describeError(error) }, message),
  });
  const server = await startHttp({ address: http, fetch: app.fetch });
  context.onClose(() => server.close());
  context.log.info({ url: server.url }, 'taking webhooks');
  await untilStopped(context.stopping);
  return 0;
}

/** Lines, so that a new secret can be brought in while the old one is still used. */
function secretsOf(context: Context): readonly string[] {
  const secrets = (context.secret('webhook_secret') ?? '').split(/\s+/).filter((line) => line !== '');
  if (secrets.length > 0) return secrets;
  throw new SamovarError('config', 'there is no secret to know webhooks by', {
    remedy: 'Set SAMOVAR_WEBHOOK_SECRET or webhook_secret_file to the secret that the webhook has on GitHub.',
  });
}

function untilStopped(stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopping.aborted) return resolve();
    stopping.addEventListener('abort', () => resolve(), { once: true });
  });
}
