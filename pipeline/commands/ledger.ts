import type { Argv, CommandModule } from 'yargs';
import { loadTables, type TableConfig, tableSpec } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { destinationName, type TablesContext } from '../jobs/tables.ts';
import { repairLedger, type TableCheck, verifyTable } from '../jobs/verify.ts';
import { openTableWriter } from '../jobs/writer.ts';
import { checksText, type RepairedTable, repairsText, statesText, type TableStates } from '../show/ledger.ts';
import { findTable } from './make-json.ts';
import { openTables, readTables } from './open-tables.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';

type Args = CommonArgs & { readonly table?: string | undefined };
type RepairArgs = Args & { readonly 'dry-run': boolean };

export const ledgerCommand: CommandModule<object, object> = {
  command: 'ledger',
  describe: 'What was written where: show it, compare it with the tables, mend what differs',
  builder: (yargs) =>
    yargs
      .command<Args>('show', 'Batches and builds of each table, by state', tableOption, (args) =>
        withContext(args, (context) => show(context, args)),
      )
      .command<Args>(
        'verify',
        'Compare the ledger with the tables: counts and checksums of each day. Exit 1 when they differ',
        tableOption,
        (args) => withContext(args, (context) => verify(context, args)),
      )
      .command<RepairArgs>(
        'repair',
        'Write again what is missing, doubled or different',
        (one) =>
          tableOption(one).option('dry-run', {
            type: 'boolean',
            default: false,
            describe: 'Only say what differs; the same as verify',
          }),
        (args) => withContext(args, (context) => repair(context, args)),
      )
      .example('$0 ledger show', 'how far every table is')
      .example('$0 ledger verify --table week --json', 'for a monitor')
      .demandCommand(1, 'Say what to do: show, verify or repair.')
      .strict(),
  handler: () => undefined,
};

function tableOption<T>(yargs: Argv<T>) {
  return commonOptions(yargs).option('table', { type: 'string', describe: 'Only this table' });
}

async function wanted(context: Context, args: Args): Promise<readonly TableConfig[]> {
  const configured = await loadTables(context.settings.tablesFile);
  return args.table === undefined ? configured : [findTable(configured, args.table)];
}

async function show(context: Context, args: Args): Promise<number> {
  const store = context.openStore({ dryRun: true });
  const { warehouse } = context.settings;
  const tables: TableStates[] = (await wanted(context, args)).map(({ name }) => {
    const destination = store.ledger.findDestination(destinationName({ name }, warehouse));
    return { table: name, states: destination === undefined ? [] : store.ledger.states(destination) };
  });
  await print(context, args.json ? JSON.stringify(tables) : statesText(tables));
  return 0;
}

async function verify(context: Context, args: Args): Promise<number> {
  const tables = await readTables(context);
  const checks = await verifyAll(context, tables, await wanted(context, args));
  await print(context, args.json ? JSON.stringify(checks) : checksText(checks));
  return checks.some(({ differences }) => differences.length > 0) ? 1 : 0;
}

async function verifyAll(
  context: Context,
  tables: TablesContext,
  configured: readonly TableConfig[],
): Promise<readonly TableCheck[]> {
  const checks: TableCheck[] = [];
  for (const table of configured) {
    const task = context.progress
      .stage('verify')
      .task(table.name, { limitMs: context.settings.loadTimeoutMs });
    checks.push(await verifyTable(tables, table, await tableSpec(table)).finally(() => task.end()));
  }
  return checks;
}

async function repair(context: Context, args: RepairArgs): Promise<number> {
  if (args['dry-run']) return verify(context, args);
  const tables = await openTables(context, 'ledger repair');
  const repaired: RepairedTable[] = [];
  for (const table of await wanted(context, args)) {
    const spec = await tableSpec(table);
    const writer = openTableWriter(tables, table, spec);
    try {
      // What an earlier run left open is ended first: it may be the whole difference.
      await writer.open();
      const check = await verifyTable(tables, table, spec);
      const mended = repairLedger(tables, table, check);
      const { rows } = await writer.writeAll({ replace: false });
      repaired.push({ table: table.name, ...mended, rows });
    } finally {
      await writer.close();
    }
  }
  await print(context, args.json ? JSON.stringify(repaired) : repairsText(repaired));
  return repaired.some(({ left }) => left > 0) ? 1 : 0;
}
