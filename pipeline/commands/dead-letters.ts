import type { Argv, CommandModule } from 'yargs';
import type { Context } from '../context.ts';
import { textTable } from '../show/table.ts';
import type { DeadLetter } from '../store/dead-letters.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';

type Args = CommonArgs & {
  readonly kind?: DeadLetter['kind'] | undefined;
  readonly subject?: string | undefined;
};

export const deadLettersCommand: CommandModule<object, object> = {
  command: 'dead-letters',
  describe: 'What could not be collected or loaded, and why',
  builder: (yargs) =>
    yargs
      .command<Args>(
        'list',
        'Show dead letters with their reasons',
        (one) =>
          filterOptions(one)
            .example('$0 dead-letters list --kind collect', 'builds that could not be read')
            .example('$0 dead-letters list --subject ci-demo-e2e --json', 'of one job, for a program'),
        (args) => withContext(args, (context) => list(context, args)),
      )
      .command<Args>(
        'retry',
        'Have them tried again by the next make-db or update, however old they are',
        (one) =>
          filterOptions(one)
            .example('$0 dead-letters retry', 'all builds that could not be read')
            .example('$0 dead-letters retry --kind row', 'rows that a warehouse refused'),
        (args) => withContext(args, (context) => retry(context, args)),
      )
      .command<Args>(
        'export',
        'Write them as NDJSON to stdout',
        (one) =>
          filterOptions(one).example(
            '$0 dead-letters export | jq -r .code | sort | uniq -c',
            'how many of each',
          ),
        (args) => withContext(args, (context) => exportAll(context, args)),
      )
      .demandCommand(1, 'Say what to do: list, retry or export.')
      .strict(),
  handler: () => undefined,
};

function filterOptions<T>(yargs: Argv<T>) {
  return commonOptions(yargs)
    .option('kind', {
      choices: ['collect', 'junit', 'row', 'load', 'event'] as const,
      describe: 'Only of this kind',
    })
    .option('subject', { type: 'string', describe: 'Only where the path contains this text' });
}

async function list(context: Context, args: Args): Promise<number> {
  const letters = [...letterIterator(context, args)];
  if (args.json) {
    await print(context, JSON.stringify(letters));
    return 0;
  }
  const rows = letters.map(({ kind, code, attempts, subject, reason }) => [
    kind,
    code,
    attempts,
    subject,
    reason,
  ]);
  const columns = [
    { title: 'kind' },
    { title: 'code' },
    { title: 'tries', align: 'right' as const },
    { title: 'subject', charsMax: 100 },
    { title: 'reason', charsMax: 160 },
  ];
  await print(context, letters.length === 0 ? 'no dead letters' : textTable(columns, rows));
  return 0;
}

async function retry(context: Context, args: Args): Promise<number> {
  const store = context.openStore();
  const ids = [...store.deadLetters.list({ kind: args.kind ?? 'collect', subjectLike: args.subject })].map(
    ({ id }) => id,
  );
  const renewed = store.transaction(() => store.deadLetters.renew(ids));
  await print(
    context,
    args.json
      ? JSON.stringify({ renewed })
      : `${renewed} dead letter${renewed === 1 ? '' : 's'} will be tried again by the next make-db or update`,
  );
  return 0;
}

async function exportAll(context: Context, args: Args): Promise<number> {
  for (const letter of letterIterator(context, args)) await print(context, JSON.stringify(letter));
  return 0;
}

function letterIterator(context: Context, args: Args): Iterable<DeadLetter> {
  return context.openStore().deadLetters.list({ kind: args.kind, subjectLike: args.subject });
}
