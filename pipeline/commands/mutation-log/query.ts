import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { MUTATION_QUERIES, runMutationQuery } from '../../jobs/mutation-queries.ts';
import { loadSloRules } from '../../jobs/mutation-queries-slo.ts';
import { loadMutationTables } from '../../jobs/mutation-tables-config.ts';
import { queryText } from '../../show/mutation-query.ts';
import { waiting } from '../counting.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';

type Args = CommonArgs & { readonly name: string; readonly rules?: string | undefined };

export const queryCommand: CommandModule<object, Args> = {
  command: 'query <name>',
  describe: 'Ask the warehouse about issues, reviews and service levels',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('name', {
        type: 'string',
        demandOption: true,
        describe: MUTATION_QUERIES.map(({ name, about }) => `${name}: ${about}`).join('; '),
      })
      .option('rules', {
        type: 'string',
        describe: 'YAML file of service levels, for slo (default: config/slo.yaml)',
      })
      .example('$0 mutation-log query open-issues', 'by label and age')
      .example('$0 mutation-log query slo --json', 'for a monitor'),
  handler: (args) => withContext(args, (context) => query(context, args), { mutationLog: true }),
};

async function query(context: Context, args: Args): Promise<number> {
  const tables = await loadMutationTables(args['tables-file']);
  const rules = args.name === 'slo' ? await loadSloRules(args.rules) : [];
  const { nowMs, signal } = context;
  const warehouse = await context.openWarehouse();
  const { name } = args;
  const result = await waiting(context, `query ${name}`, () =>
    runMutationQuery(warehouse, { name, tables, rules, nowMs: nowMs(), signal }),
  );
  await print(context, args.json ? JSON.stringify(result.rows) : queryText(result));
  return 0;
}
