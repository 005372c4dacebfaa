import { resolve } from 'node:path';
import { type CommandInfo, describeCommands, type Flag } from '../../pipeline/commands/catalog.ts';
import { COMMANDS } from '../../pipeline/commands/index.ts';

export const CLI_DOCUMENT = resolve(import.meta.dirname, '../../docs/cli.md');

const HEAD = `# The command line

This page is made from the commands themselves: \`npx tsx scripts/docs/cli.ts\` writes it, a test compares it. The same is on
the terminal: \`samovar COMMAND --help\`. In a checkout \`npm run -s samovar -- COMMAND\` runs the sources.

- stdout is for results, stderr for logs, progress and errors. \`--json\` puts one JSON value on stdout and nothing else there, where
  rows are streamed one value a line; \`--format json\`, where there is a \`--format\`, is the same.
- \`--dry-run\` says what would be done and writes nothing outside of Samovar's own database. What is said to need \`--yes\` does nothing
  without it.
- Colours are for terminals: \`NO_COLOR=1\` turns them off, \`FORCE_COLOR=1\` on.
- Exit status: 0 done; 1 failed, or found what it was asked to look for; 2 change your configuration or flags; 130 and 143 stopped by
  SIGINT and SIGTERM. [errors.md](errors.md) has the rest.
- \`samovar completion bash\`, \`zsh\` or \`fish\` prints a script that completes commands, flags and the names of tables, queries and jobs.
- Kettle's flags work as they are (\`--buildlimit\`, \`--skip-gcs\`, \`--stop_at\`, \`--assert-oldest\`, \`--reset-emitted\`):
  [migrating-from-kettle.md](migrating-from-kettle.md).
`;

/** docs/cli.md: one section for each command, in the order of the help. */
export async function cliDocument(): Promise<string> {
  const commands = await describeCommands(COMMANDS);
  const common = commonFlags(commands);
  return [
    HEAD,
    contents(commands),
    `## Flags that most commands take\n\n${flagTable(common)}\n`,
    ...commands.flatMap((command) => section(command)),
  ].join('\n');
}

/** As the first command with all of them declares them. */
function commonFlags(commands: readonly CommandInfo[]): readonly Flag[] {
  const flags = commands.flatMap((command) => command.flags.filter(({ common }) => common));
  return [...new Map(flags.map((flag) => [flag.name, flag])).values()];
}

function contents(commands: readonly CommandInfo[]): string {
  const rows = commands.map(
    ({ words, describe }) => `| [${words.join(' ')}](#samovar-${words.join('-')}) | ${cell(describe)} |`,
  );
  return `| Command | What it does |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function section(command: CommandInfo): readonly string[] {
  const { words, describe, examples, notes, commands, flags } = command;
  const level = '#'.repeat(Math.min(4, words.length + 1));
  const own = flags.filter(({ common, hidden }) => !common && !hidden);
  const isLeaf = commands.length === 0;
  const lines = [
    `${level} samovar ${words.join(' ')}`,
    '',
    `${describe}.`,
    '',
    ...(isLeaf ? ['```sh', usage(command), '```', ''] : []),
    ...placeLines(command),
    ...(isLeaf && own.length > 0 ? [flagTable(own), ''] : []),
    ...(isLeaf ? [commonLine(flags)] : []),
    ...notes.flatMap((note) => [cell(sentence(note)), '']),
    ...(isLeaf && examples.length > 0 ? [exampleBlock(examples), ''] : []),
  ];
  return [lines.join('\n'), ...commands.flatMap(section)];
}

function usage({ words, positionals, flags }: CommandInfo): string {
  const places = positionals.map(({ name, required, variadic }) => {
    const text = `${name.toUpperCase()}${variadic ? '...' : ''}`;
    return required ? text : `[${text}]`;
  });
  const needed = flags.filter(({ required }) => required).map((flag) => `--${flag.name} ${valueName(flag)}`);
  return ['samovar', ...words, ...places, ...needed, '[FLAGS]'].join(' ');
}

function placeLines({ positionals }: CommandInfo): readonly string[] {
  if (positionals.length === 0) return [];
  const rows = positionals.map(({ name, describe, choices }) => {
    const among = choices.length === 0 ? '' : ` One of ${choices.map(code).join(', ')}.`;
    return `- \`${name.toUpperCase()}\`: ${sentence(describe)}${among}`;
  });
  return [...rows, ''];
}

function flagTable(flags: readonly Flag[]): string {
  const rows = flags.map(
    (flag) => `| ${code(flagText(flag).replaceAll('|', '\\|'))} | ${cell(aboutFlag(flag))} |`,
  );
  return `| Flag | |\n| --- | --- |\n${rows.join('\n')}`;
}

function flagText(flag: Flag): string {
  const short = flag.short.map((letter) => `-${letter}, `).join('');
  return `${short}${longText(flag)}`;
}

function longText(flag: Flag): string {
  if (flag.type === 'boolean') return `--${flag.default === true ? '[no-]' : ''}${flag.name}`;
  return `--${flag.name} ${valueName(flag)}${flag.array ? '...' : ''}`;
}

function valueName({ type, choices }: Flag): string {
  if (choices.length > 0) return choices.join('|');
  return type === 'number' ? 'N' : 'TEXT';
}

function aboutFlag({ describe, default: value, required, type }: Flag): string {
  const isOff = type === 'boolean' && value !== true;
  const shown = Array.isArray(value) ? value.join(' ') : String(value);
  const standard =
    value === undefined || isOff || shown === ''
      ? ''
      : ` Default: ${code(type === 'boolean' ? 'yes' : shown)}.`;
  return `${sentence(describe)}${required ? ' Required.' : ''}${standard}`;
}

function commonLine(flags: readonly Flag[]): string {
  const common = flags.filter(({ common }) => common).map(({ name }) => name);
  if (common.length >= 8) return 'And the [flags that most commands take](#flags-that-most-commands-take).\n';
  if (common.length === 0) return '';
  const all =
    common.length >= 7 ? ', but not `--wait`' : `: ${common.map((name) => code(`--${name}`)).join(', ')}`;
  return `Of the [flags that most commands take](#flags-that-most-commands-take)${all}.\n`;
}

function exampleBlock(examples: CommandInfo['examples']): string {
  const blocks = examples.map(([line, about]) => `# ${about}\n${line}`);
  return `\`\`\`sh\n${blocks.join('\n\n')}\n\`\`\``;
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
const code = (text: string) => `\`${text}\``;
/** A table's cell ends at a bar. */
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
