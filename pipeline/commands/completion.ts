import { basename } from 'node:path';
import type { CommandModule } from 'yargs';
import { loadTables } from '../config/tables.ts';
import { type Context, loadContext, othersVariable } from '../context.ts';
import { SamovarError } from '../errors.ts';
import { BUILD_QUERIES } from '../queries/index.ts';
import { COMPLETION_SCRIPTS } from '../show/completion.ts';
import { complete, type NameSource } from './complete.ts';
import { COMMANDS } from './index.ts';
import { knownJobs } from './known-jobs.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** These name jobs as buckets do; all others as rows do. */
const BARE: readonly string[] = ['make-db', 'backfill'];

interface Args {
  readonly shell?: Shell | undefined;
}

export const completionCommand: CommandModule<object, Args> = {
  command: 'completion [shell]',
  describe: 'Print a script that completes commands, flags and names, for bash, zsh or fish',
  builder: (yargs) =>
    yargs
      .positional('shell', { choices: SHELLS, describe: 'Default: the shell of this account (SHELL)' })
      .example('$0 completion bash > ~/.local/share/bash-completion/completions/samovar', 'bash, for good')
      .example('source <($0 completion zsh)', 'zsh; in ~/.zshrc for good')
      .example('$0 completion fish > ~/.config/fish/completions/samovar.fish', 'fish, for good'),
  handler: ({ shell }) => void process.stdout.write(COMPLETION_SCRIPTS[shell ?? ownShell()]),
};

function ownShell(): Shell {
  const own = basename(othersVariable('SHELL') ?? '');
  const shell = SHELLS.find((name) => name === own);
  if (shell !== undefined) return shell;
  throw new SamovarError('config', `there is no completion for the shell "${own}"`, {
    remedy: `Name one that there is: samovar completion ${SHELLS.join('|')}`,
  });
}

/** `--complete SHELL WORD...`: what the scripts ask. A candidate a line, what it is about after a tab. */
export async function answerCompletion([, ...words]: readonly string[]): Promise<void> {
  const found = await complete(words, COMMANDS, configuredNames(words));
  process.stdout.write(found.map(({ word, about }) => `${word}\t${about.split('\n')[0]}\n`).join(''));
}

/** Names as the words before the cursor choose files and database. What cannot be read has no names: a shell waits for no message. */
export function configuredNames(words: readonly string[]): NameSource {
  const flag = (name: string) => {
    const at = words.indexOf(`--${name}`);
    return at === -1 ? undefined : words[at + 1];
  };
  const flags = { db: flag('db'), config: flag('config'), 'tables-file': flag('tables-file') };
  const read = async (work: (context: Context) => readonly string[] | Promise<readonly string[]>) => {
    try {
      const context = await loadContext({ ...flags, 'log-level': 'silent' });
      return await Promise.resolve(work(context)).finally(() => context.close());
    } catch {
      return [];
    }
  };
  return {
    tables: () =>
      read(async ({ settings }) => (await loadTables(settings.tablesFile)).map(({ name }) => name)),
    jobs: () =>
      read((context) =>
        knownJobs(context, context.openStore({ dryRun: true }), { prefixed: !BARE.includes(words[0] ?? '') }),
      ),
    queries: async () => BUILD_QUERIES.map(({ name, about }) => ({ word: name, about })),
  };
}
