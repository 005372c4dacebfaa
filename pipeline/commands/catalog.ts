import yargs, { type CommandModule } from 'yargs';

/** A flag as a command declares it. */
export interface Flag {
  readonly name: string;
  /** Letters that stand for it: `k`. */
  readonly short: readonly string[];
  readonly type: 'boolean' | 'number' | 'string';
  /** Several values may follow it. */
  readonly array: boolean;
  readonly describe: string;
  readonly default: unknown;
  readonly choices: readonly string[];
  readonly required: boolean;
  /** An old spelling, or Kettle's: understood, not shown. */
  readonly hidden: boolean;
  /** One of those that most commands take. */
  readonly common: boolean;
}

export interface Positional {
  readonly name: string;
  readonly describe: string;
  readonly required: boolean;
  readonly variadic: boolean;
  readonly choices: readonly string[];
}

/** A command, or a sub-command, as its module declares it. */
export interface CommandInfo {
  /** Its words after `samovar`: `['ledger', 'verify']`. */
  readonly words: readonly string[];
  readonly describe: string;
  readonly positionals: readonly Positional[];
  readonly flags: readonly Flag[];
  /** Command line, and what it is for. */
  readonly examples: readonly (readonly [string, string])[];
  /** What stands below its help: exit status and the like. */
  readonly notes: readonly string[];
  readonly commands: readonly CommandInfo[];
}

/** What of a parser is of use here; yargs keeps it for its own help. */
interface Inside {
  getOptions(): {
    readonly boolean: readonly string[];
    readonly number: readonly string[];
    readonly array: readonly string[];
    readonly default: Readonly<Record<string, unknown>>;
    readonly choices: Readonly<Record<string, readonly string[]>>;
    readonly hiddenOptions: readonly string[];
    readonly key: Readonly<Record<string, unknown>>;
    readonly alias: Readonly<Record<string, readonly string[]>>;
  };
  getDemandedOptions(): Readonly<Record<string, unknown>>;
  getGroups(): Readonly<Record<string, readonly string[]>>;
  getInternalMethods(): {
    getUsageInstance(): { getDescriptions(): Readonly<Record<string, string | undefined>> };
    getCommandInstance(): { getCommandHandlers(): Readonly<Record<string, Handler>> };
  };
  example(...args: readonly unknown[]): unknown;
  epilog(...args: readonly unknown[]): unknown;
  epilogue(...args: readonly unknown[]): unknown;
}

interface Handler {
  readonly original: string;
  readonly description: string | false | undefined;
  readonly builder: unknown;
  readonly demanded: readonly Place[];
  readonly optional: readonly Place[];
}

interface Place {
  readonly cmd: readonly string[];
  readonly variadic: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: each command has arguments of its own
type Command = CommandModule<any, any>;

/** Heading of the flags that most commands take. */
export const COMMON_GROUP = 'Places and output:';
/** Heading of a command's own flags, which are to stand first. */
export const OWN_GROUP = 'Options:';
const POSITIONALS = 'Positionals:';
const BUILT_IN: readonly string[] = ['help', 'version'];

/** Reads commands, and what is below them, as they declare themselves. */
export function describeCommands(commands: readonly Command[]): Promise<readonly CommandInfo[]> {
  const parser = inside();
  (parser as unknown as ReturnType<typeof yargs>).command([...commands]);
  return below(parser, []);
}

function inside(): Inside {
  return yargs([]).version(false).help(false) as unknown as Inside;
}

async function below(parser: Inside, words: readonly string[]): Promise<readonly CommandInfo[]> {
  const handlers = parser.getInternalMethods().getCommandInstance().getCommandHandlers();
  const shown = Object.values(handlers).filter(({ description }) => description !== false);
  return Promise.all(shown.map((handler) => describeOne(handler, words)));
}

async function describeOne(handler: Handler, parents: readonly string[]): Promise<CommandInfo> {
  const words = [...parents, handler.original.split(' ')[0] ?? ''];
  const parser = inside();
  const examples = watchExamples(parser);
  const notes = watchNotes(parser);
  if (typeof handler.builder === 'function') await handler.builder(parser);
  const { flags, positionals } = optionsOf(parser, handler);
  const describe = handler.description === false ? '' : (handler.description ?? '');
  return { words, describe, positionals, flags, examples, notes, commands: await below(parser, words) };
}

/** yargs keeps examples to itself: they are noted as they are given. */
function watchExamples(parser: Inside): readonly (readonly [string, string])[] {
  const examples: (readonly [string, string])[] = [];
  const own = parser.example.bind(parser);
  parser.example = (...args) => {
    examples.push([String(args[0]).replaceAll('$0', 'samovar'), String(args[1] ?? '')]);
    return own(...args);
  };
  return examples;
}

function watchNotes(parser: Inside): readonly string[] {
  const notes: string[] = [];
  for (const name of ['epilog', 'epilogue'] as const) {
    const own = parser[name].bind(parser);
    parser[name] = (...args) => {
      notes.push(String(args[0]));
      return own(...args);
    };
  }
  return notes;
}

function optionsOf(parser: Inside, { demanded, optional }: Handler) {
  const {
    boolean,
    number,
    array,
    choices,
    hiddenOptions,
    key,
    alias,
    default: defaults,
  } = parser.getOptions();
  const about = parser.getInternalMethods().getUsageInstance().getDescriptions();
  const groups = parser.getGroups();
  const text = (name: string) => (about[name] ?? '').replace('__yargsString__:', '');
  const places = [...demanded, ...optional].map((place) => ({
    name: place.cmd[0] ?? '',
    describe: text(place.cmd[0] ?? ''),
    required: demanded.includes(place),
    variadic: place.variadic,
    choices: (choices[place.cmd[0] ?? ''] ?? []).map(String),
  }));
  const taken = new Set([...places.map(({ name }) => name), ...BUILT_IN, ...(groups[POSITIONALS] ?? [])]);
  const short = new Set(Object.values(alias).flat());
  const required = parser.getDemandedOptions();
  const flags = Object.keys(key)
    .filter((name) => !taken.has(name) && !short.has(name))
    .map(
      (name): Flag => ({
        name,
        short: alias[name] ?? [],
        type: boolean.includes(name) ? 'boolean' : number.includes(name) ? 'number' : 'string',
        array: array.includes(name),
        describe: text(name),
        default: defaults[name],
        choices: (choices[name] ?? []).map(String),
        required: name in required,
        hidden: hiddenOptions.includes(name),
        common: groups[COMMON_GROUP]?.includes(name) === true,
      }),
    );
  return { flags, positionals: places };
}
