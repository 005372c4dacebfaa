import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { EXPORT_KINDS, type ExportFormat, type ExportKind, exportText } from '../../jobs/mutation-export.ts';
import { writeToFile, writeToStream } from '../../jobs/mutation-export-file.ts';
import { knownRepos } from '../../jobs/mutation-stats.ts';
import { formatOf } from '../format.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { counted } from './tools-repos.ts';

type Args = CommonArgs & {
  readonly repositories?: readonly string[] | undefined;
  readonly kind: ExportKind;
  readonly format?: ExportFormat | undefined;
  readonly 'dry-run': boolean;
  readonly out?: string | undefined;
  readonly deleted: boolean;
};

export const exportCommand: CommandModule<object, Args> = {
  command: 'export [repositories..]',
  describe: 'Write issues, comments and so on as newline-delimited JSON or CSV',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('repositories', {
        type: 'string',
        array: true,
        describe: 'OWNER/REPO; default: all that are known',
      })
      .option('kind', { choices: EXPORT_KINDS, default: 'issues' as const, describe: 'What of them' })
      .option('format', { choices: ['ndjson', 'csv'] as const, describe: 'How (default ndjson)' })
      .option('out', { type: 'string', describe: 'File; default: stdout' })
      .option('deleted', { type: 'boolean', default: false, describe: 'What is gone on GitHub, too' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only count what would be written' })
      .example('$0 mutation-log export golang/go --kind comments | jq .body', 'all comments of a repository')
      .example('$0 mutation-log export --format csv --out issues.csv', 'for a spreadsheet'),
  handler: (args) => withContext(args, (context) => write(context, args), { mutationLog: true }),
};

async function write(context: Context, args: Args): Promise<number> {
  const { corpus } = context.openStore({ dryRun: true });
  const { kind, deleted, out, 'dry-run': dryRun } = args;
  const format = formatOf(args, { jsonName: 'ndjson', standard: 'ndjson' });
  const repos = knownRepos(corpus, args.repositories ?? []);
  const rows = await counted(context, { label: 'export', unit: 'rows' }, async (counting, task) => {
    const text = exportText(corpus, {
      repos,
      kind,
      format,
      deleted,
      signal: context.signal,
      onProgress: (progress) => {
        counting.done = progress.rows;
        counting.details = progress.repository;
        task.step();
      },
    });
    if (dryRun) for await (const _ of text);
    else if (out !== undefined) await writeToFile(out, text);
    else if (!(await writeToStream(context.stdout, text))) return undefined;
    return counting.done;
  });
  const of = `${rows} ${kind} of ${repos.length} repositories`;
  if (dryRun) {
    await print(
      context,
      args.json ? JSON.stringify({ dryRun, kind, rows }) : `${of} would be written (dry run)`,
    );
    return 0;
  }
  const done = `${of}${out === undefined ? '' : ` in ${out}`}`;
  context.stderr.write(`${rows === undefined ? 'not all was written: its reader went away' : done}\n`);
  return 0;
}
