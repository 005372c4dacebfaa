import type { Argv, CommandModule } from 'yargs';
import { type BucketRoot, loadRoots } from '../config/buckets.ts';
import type { Settings } from '../config/settings.ts';
import { masked } from '../config/sources.ts';
import { loadTables, type TableConfig } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { SamovarError } from '../errors.ts';
import { textTable } from '../show/table.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';

const checkCommand: CommandModule<object, CommonArgs> = {
  command: 'check',
  describe: 'Read every configuration file and say what is wrong; exit 2 if anything is',
  builder: (yargs) =>
    commonOptions(yargs).example(
      '$0 config check --buckets new-buckets.yaml',
      'before putting a new file in place',
    ),
  handler: (args) => withContext(args, (context) => check(context, args)),
};

const showCommand: CommandModule<object, CommonArgs> = {
  command: 'show',
  describe: 'Print the settings that hold and what set each',
  builder: (yargs) => commonOptions(yargs).example('$0 config show --json', 'for another program'),
  handler: (args) => withContext(args, (context) => show(context, args)),
};

export const configCommand: CommandModule = {
  command: 'config',
  describe: 'Check or show the configuration',
  builder: (yargs: Argv) =>
    yargs.command(checkCommand).command(showCommand).demandCommand(1, 'Say check or show.'),
  handler: () => undefined,
};

async function check(context: Context, args: CommonArgs): Promise<number> {
  const { bucketsFile, tablesFile } = context.settings;
  const wrong: unknown[] = [];
  const note = (error: unknown) => {
    wrong.push(error);
    return [];
  };
  const roots: readonly BucketRoot[] = await loadRoots(bucketsFile).catch(note);
  const tables: readonly TableConfig[] = await loadTables(tablesFile).catch(note);
  if (wrong.length > 0) throw together(wrong);
  const files = [
    { file: bucketsFile, roots: roots.map(rootSummary) },
    { file: tablesFile, tables: tables.map(tableSummary) },
  ];
  const lines = [
    `${bucketsFile}: good, roots: ${roots.map(({ url }) => url).join(', ')}`,
    `${tablesFile}: good, tables: ${tables.map(({ name }) => name).join(', ')}`,
  ];
  await print(context, args.json ? JSON.stringify(files) : lines.join('\n'));
  return 0;
}

/** What is wrong in both files at once, so that one look is enough. */
function together(errors: readonly unknown[]): unknown {
  const ours = errors.filter((error) => error instanceof SamovarError);
  const [first] = ours;
  if (first === undefined || ours.length < errors.length) return errors[0];
  const remedy = [...new Set(ours.map((error) => error.remedy))].join(' ');
  return new SamovarError('config', ours.map(({ message }) => message).join('\n'), { remedy });
}

function rootSummary({ url, prefix, sequential, pr, anonymous }: BucketRoot) {
  return { url, prefix, sequential, pr, anonymous };
}

function tableSummary({ name, days, replaceAfterDays, partition, cluster }: TableConfig) {
  return { name, days, replaceAfterDays, partition, cluster };
}

async function show(context: Context, args: CommonArgs): Promise<number> {
  const { sources, ...settings } = context.settings;
  const entries = Object.entries(settings).map(
    ([key, value]) => [key, value === undefined ? '' : masked(value)] as const,
  );
  const report = args.json
    ? JSON.stringify({ ...settings, ...maskedTexts(settings), sources })
    : `${textTable([{ title: 'setting' }, { title: 'value', charsMax: 200 }], entries)}\n${sourcesText(sources)}`;
  await print(context, report);
  return 0;
}

function maskedTexts(settings: Omit<Settings, 'sources'>): Record<string, string> {
  const texts = Object.entries(settings).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(texts.map(([key, value]) => [key, masked(value)]));
}

function sourcesText(sources: Settings['sources']): string {
  const entries = Object.entries(sources);
  if (entries.length === 0) return 'Nothing is configured: these are the defaults.';
  return `Set: ${entries.map(([key, source]) => `${key} by ${source}`).join(', ')}. All else is by default.`;
}
