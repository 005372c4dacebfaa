import { userInfo } from 'node:os';
import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import type { Reply } from '../../k8s/gitops/reply.ts';
import { print, withContext } from '../run.ts';
import { type GitopsArgs, gitopsOptions, newRequestId, openBot } from './gitops-open.ts';

type Args = GitopsArgs & {
  readonly words?: readonly string[] | undefined;
  readonly '--'?: readonly (string | number)[] | undefined;
};

export const gitopsRunCommand: CommandModule<object, Args> = {
  command: 'run [words..]',
  describe: 'Run one command of the bot from here, as whom this machine knows you',
  builder: (yargs) =>
    gitopsOptions(yargs)
      // What stands behind it is the bot's, not a flag or a number of ours.
      .parserConfiguration({ 'populate--': true })
      .positional('words', {
        type: 'string',
        array: true,
        describe: 'The command, after --; `help` lists them',
      })
      .example('$0 k8s gitops run -- deploy api env=dev image-tag=v2', 'commit and push a tag')
      .example('$0 k8s gitops run -- release api image-tag=v2 --dry-run', 'show what it would change')
      .epilogue('Permissions know you as cli:USER.'),
  handler: (args) => withContext(args, (context) => run(context, args), { graceful: true }),
};

async function run(context: Context, args: Args): Promise<number> {
  const { bot } = await openBot(context, args, { stays: false });
  const name = userName();
  const text = [...(args.words ?? []), ...(args['--'] ?? []).map(String)].map(quoted).join(' ');
  const person = { id: `cli:${name}`, name };
  const reply = await bot.handle({ id: newRequestId(), person, text }, (progress) =>
    context.log.info(progress),
  );
  await print(context, args.json === true ? JSON.stringify(reply) : replyText(reply));
  return 0;
}

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

/** The shell has taken the quotation marks off. */
function quoted(word: string): string {
  const [name = '', ...value] = word.split('=');
  return /\s/.test(word) && value.length > 0 ? `${name}="${value.join('=')}"` : word;
}

function replyText({ lines, diff = '', url }: Reply): string {
  return [...lines, ...(diff === '' ? [] : ['', diff]), ...(url === undefined ? [] : [url])].join('\n');
}
