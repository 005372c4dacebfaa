import type { Argv, CommandModule } from 'yargs';
import type { Context } from '../context.ts';
import { destinationName } from '../jobs/tables.ts';
import type { TableCheck } from '../jobs/verify.ts';
import { checksText, type RepairedTable, repairsText, statesText, type TableStates } from '../show/ledger.ts';
import { counting } from './counting.ts';
import { ledgerTables, repairLedgerTable, verifyLedgerTable } from './ledger-tables.ts';
import { openTables, readTables } from './open-tables.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';
import { shownTables } from './table-plan.ts';

type Args = CommonArgs & { readonly table?: string | undefined; readonly 'mutation-log'?: boolean };
type RepairArgs = Args & { readonly 'dry-run': boolean };

export const ledgerCommand: CommandModule<object, object> = {
  command: 'ledger',
  describe: 'What was written where: show it, compare it with the tables, mend what differs',
  builder: (yargs) =>
    yargs
      .command<Args>(
        'show',
        'Batches and builds (of mutation logs: rows) of each table, by state',
        (one) =>
          tableOption(one)
            .example('$0 ledger show', 'how far every table is')
            .example('$0 ledger show --mutation-log --json', 'of the tables of mutation logs, for a program'),
        (args) => withContext(args, (context) => show(context, args), aboutOf(args)),
      )
      .command<Args>(
        'verify',
        'Compare the ledger with the tables: counts and checksums of each day. Exit 1 when they differ',
        (one) =>
          tableOption(one)
            .example('$0 ledger verify --table week --json', 'for a monitor')
            .example('$0 ledger verify --mutation-log --table issues', 'a table of mutation logs'),
        (args) => withContext(args, (context) => verify(context, args), aboutOf(args)),
      )
      .command<RepairArgs>(
        'repair',
        'Write again what is missing, doubled or different',
        (one) =>
          tableOption(one)
            .option('dry-run', {
              type: 'boolean',
              default: false,
              describe: 'Only say what differs; the same as verify',
            })
            .example('$0 ledger repair --dry-run', 'what differs')
            .example('$0 ledger repair --table week', 'mend it'),
        (args) => withContext(args, (context) => repair(context, args), aboutOf(args)),
      )
      .demandCommand(1, 'Say what to do: show, verify or repair.')
      .strict(),
  handler: () => undefined,
};

/** Mutation logs have a database of their own. */
const aboutOf = (args: Args) => ({ mutationLog: args['mutation-log'] === true });

function tableOption<T>(yargs: Argv<T>) {
  return commonOptions(yargs)
    .option('table', { type: 'string', describe: 'Only this table' })
    .option('mutation-log', {
      type: 'boolean',
      default: false,
      describe: 'The database of mutation logs (mutation_log_db), and its tables',
    });
}

async function show(context: Context, args: Args): Promise<number> {
  const store = context.openStore({ dryRun: true });
  const { warehouse } = context.settings;
  const wanted = await ledgerTables(context, store, args.table);
  const tables: TableStates[] = wanted.map(({ config: { name } }) => {
    const destination = store.ledger.findDestination(destinationName({ name }, warehouse));
    return { table: name, states: destination === undefined ? [] : store.ledger.states(destination) };
  });
  await print(context, args.json ? JSON.stringify(tables) : statesText(tables));
  return 0;
}

async function verify(context: Context, args: Args): Promise<number> {
  const tables = await readTables(context);
  const wanted = await ledgerTables(context, tables.store, args.table);
  const checks = await counting(context, { label: 'verify', unit: 'tables' }, async (state) => {
    state.total = wanted.length;
    const found: TableCheck[] = [];
    for (const table of wanted) {
      const { name } = table.config;
      state.details = name;
      const task = context.progress.stage('verify').task(name, { limitMs: context.settings.loadTimeoutMs });
      found.push(await verifyLedgerTable(tables, table).finally(() => task.end()));
      state.done += 1;
    }
    return found;
  });
  await print(context, args.json ? JSON.stringify(checks) : checksText(checks));
  return checks.some(({ differences }) => differences.length > 0) ? 1 : 0;
}

async function repair(context: Context, args: RepairArgs): Promise<number> {
  if (args['dry-run']) return verify(context, args);
  const tables = await openTables(context, 'ledger repair');
  const repaired: RepairedTable[] = [];
  for (const table of await ledgerTables(context, tables.store, args.table))
    repaired.push(
      await shownTables(context, tables, { label: table.config.name, total: 0 }, (shown) =>
        repairLedgerTable(shown, table),
      ),
    );
  await print(context, args.json ? JSON.stringify(repaired) : repairsText(repaired));
  return repaired.some(({ left }) => left > 0) ? 1 : 0;
}
