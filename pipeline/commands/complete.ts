import { type CommandInfo, describeCommands, type Flag, type Positional } from './catalog.ts';

/** What may stand where the cursor is. */
export interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** Names that only the configuration and the database know. */
export interface NameSource {
  tables(): Promise<readonly string[]>;
  jobs(): Promise<readonly string[]>;
  queries(): Promise<readonly Candidate[]>;
}

type Commands = Parameters<typeof describeCommands>[0];

/**
 * What may stand in the place of the last word, which may be empty: sub-commands, flags, or values where their names are known.
 * `words`: all after `samovar`. None: the shell offers files.
 */
export async function complete(
  words: readonly string[],
  commands: Commands,
  names: NameSource,
): Promise<readonly Candidate[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const found = await candidates(before, current, commands, names);
  return found.filter(({ word }) => word.startsWith(current));
}

async function candidates(
  before: readonly string[],
  current: string,
  commands: Commands,
  names: NameSource,
): Promise<readonly Candidate[]> {
  const [first] = before;
  const shown = commands.filter(({ describe }) => describe !== false);
  if (first === undefined)
    return shown.map(({ command, describe }) => ({
      word: String(command).split(' ')[0] ?? '',
      about: String(describe),
    }));
  const chosen = shown.filter(({ command }) => String(command).split(' ')[0] === first);
  const [top] = await describeCommands(chosen);
  if (top === undefined) return [];
  const { command, rest } = descend(top, before.slice(1));
  if (command.commands.length > 0)
    return command.commands.map(({ words, describe }) => ({ word: words.at(-1) ?? '', about: describe }));
  const [, flagName = '', start] = /^--([^=]+)(=)/.exec(current) ?? [];
  const previous = start === undefined ? rest.at(-1)?.replace(/^--?/, '') : flagName;
  const valued = command.flags.find(({ name }) => name === previous);
  const isFlag = start !== undefined || rest.at(-1)?.startsWith('-') === true;
  if (isFlag && valued !== undefined && valued.type !== 'boolean') {
    const values = await valuesOf(valued, names);
    return start === undefined
      ? values
      : values.map(({ word, about }) => ({ word: `--${flagName}=${word}`, about }));
  }
  return current.startsWith('-') ? flagsOf(command, rest) : placesOf(command, rest, names);
}

/** The sub-command that the words name, and what of them is left. */
function descend(top: CommandInfo, words: readonly string[]) {
  let command = top;
  let rest = words;
  while (command.commands.length > 0) {
    const next = command.commands.find((below) => below.words.at(-1) === rest[0]);
    if (next === undefined) break;
    command = next;
    rest = rest.slice(1);
  }
  return { command, rest };
}

function flagsOf({ flags }: CommandInfo, used: readonly string[]): readonly Candidate[] {
  return flags
    .filter(({ hidden, array }) => !hidden || array)
    .flatMap((flag) => {
      const isOn = flag.type === 'boolean' && flag.default === true;
      const words = isOn ? [`--no-${flag.name}`] : [`--${flag.name}`];
      return words.map((word) => ({ word, about: flag.describe, again: flag.array }));
    })
    .filter(({ word, again }) => again || !used.includes(word))
    .map(({ word, about }) => ({ word, about }));
}

async function valuesOf(flag: Flag, names: NameSource): Promise<readonly Candidate[]> {
  if (flag.choices.length > 0) return flag.choices.map(plain);
  if (flag.name === 'table') return (await names.tables()).map(plain);
  return flag.name === 'job' ? (await names.jobs()).map(plain) : [];
}

async function placesOf(
  { words, positionals, flags }: CommandInfo,
  rest: readonly string[],
  names: NameSource,
): Promise<readonly Candidate[]> {
  const valued = new Set(flags.filter(({ type }) => type !== 'boolean').map(({ name }) => `--${name}`));
  const given = rest.filter((word, at) => !word.startsWith('-') && !valued.has(rest[at - 1] ?? '')).length;
  const place: Positional | undefined =
    positionals[given] ?? positionals.find(({ variadic }, at) => variadic && at < given);
  if (place === undefined) return [];
  if (place.choices.length > 0) return place.choices.map(plain);
  return words.join(' ') === 'query' ? names.queries() : [];
}

const plain = (word: string): Candidate => ({ word, about: '' });
