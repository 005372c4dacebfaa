import { nearest } from '../config/similar.ts';
import { SamovarError } from '../errors.ts';

const DEPTH_MAX = 3;

/** The words that name what was asked for, of a command line: `mutation-log sync`. For messages only. */
export function commandWords(args: readonly string[]): readonly string[] {
  const end = args.findIndex((arg) => !/^[a-z][a-z0-9-]*$/.test(arg));
  return args.slice(0, end === -1 ? DEPTH_MAX : Math.min(end, DEPTH_MAX));
}

/** What would have been understood. */
export interface Understood {
  readonly flags: readonly string[];
  /** Sub-commands, where one is needed. */
  readonly commands: readonly string[];
  /** What may be named without a flag. */
  readonly places: readonly string[];
  /** The commands that were understood. */
  readonly within: readonly string[];
}

/**
 * What yargs says of a command line that it does not understand, in words of ours and with the nearest word that is known. `args`: what
 * was typed.
 */
export function misunderstood(message: string, args: readonly string[], known: Understood): SamovarError {
  const help = `See \`samovar ${[...known.within, '--help'].join(' ')}\`.`;
  const [, list] = /^(?:Unknown (?:command|argument)s?|Did you mean): ?(.*)$/m.exec(message) ?? [];
  const problem =
    list === undefined
      ? inWords(message, args, known)
      : unknownWord(typed(list.split(', '), args), args, known);
  const { text, near } = problem;
  return new SamovarError('config', text, {
    remedy: near === undefined ? help : `Did you mean ${near}? ${help}`,
  });
}

interface Problem {
  readonly text: string;
  readonly near?: string | undefined;
}

/** yargs tells of `dryRn` beside `dry-rn`: only what was typed counts. */
function typed(names: readonly string[], args: readonly string[]): string {
  const isTyped = (name: string) => args.some((arg) => arg.replace(/^--?(no-)?/, '').split('=')[0] === name);
  return names.find(isTyped) ?? names[0] ?? '';
}

function unknownWord(name: string, args: readonly string[], { flags, commands }: Understood): Problem {
  const isFlag = !args.includes(name);
  if (isFlag) {
    const near = nearest(name, flags);
    return { text: `there is no flag --${name} here`, near: near === undefined ? undefined : `--${near}` };
  }
  if (commands.length === 0) return { text: `"${name}" is one word too many: nothing is expected there` };
  return { text: `there is no command "${name}"`, near: nearest(name, commands) };
}

/** yargs' own messages, as Samovar says such things. */
function inWords(message: string, args: readonly string[], { places }: Understood): Problem {
  const [, missing] = /^Missing required arguments?: (.*)$/.exec(message) ?? [];
  if (missing !== undefined)
    return {
      text: `${missing
        .split(', ')
        .map((name) => `--${name}`)
        .join(' and ')} must be given`,
    };
  const [, flag, given, choices] = /Argument: (\S+), Given: (.*), Choices: (.*)/.exec(message) ?? [];
  if (flag !== undefined && given !== undefined && choices !== undefined) {
    const all = choices.split(', ').map((choice) => choice.replaceAll('"', ''));
    const name = args.some((arg) => arg.startsWith(`--${flag}`)) ? `--${flag}` : flag;
    return {
      text: `${name} ${given} is none of: ${all.join(', ')}`,
      near: nearest(given.replaceAll('"', ''), all),
    };
  }
  const [, got, least] =
    /^Not enough non-option arguments: got (\d+), need at least (\d+)/.exec(message) ?? [];
  if (got !== undefined) {
    const lacking = places.slice(Number(got), Number(least)).map((name) => name.toUpperCase());
    return { text: `${lacking.join(' and ')} must be named` };
  }
  const [, twice] = /^Not enough arguments following: (.*)$/.exec(message) ?? [];
  return { text: twice === undefined ? message : `--${twice} needs a value after it` };
}

/** Of these, no value means something: the latest. */
const MAY_BE_EMPTY: readonly string[] = ['undo'];

interface ParsedOptions {
  readonly number: readonly string[];
  readonly array: readonly string[];
  readonly string: readonly string[];
}

/** What yargs lets pass: a word where a number has to be, and a flag that was given twice. Throws `config`. */
export function assertValues(argv: Readonly<Record<string, unknown>>, options: ParsedOptions): void {
  for (const name of [...options.number, ...options.string]) {
    const value = argv[name];
    if (Array.isArray(value) && !options.array.includes(name))
      throw new SamovarError('config', `--${name} was given ${value.length} times`, {
        remedy: 'Give it once.',
      });
    if (value === '' && !MAY_BE_EMPTY.includes(name))
      throw new SamovarError('config', `--${name} needs a value after it`, {
        remedy: `Write it after the flag, or leave --${name} out.`,
      });
    if (typeof value === 'number' && Number.isNaN(value))
      throw new SamovarError('config', `--${name} needs a number, and was given something else`, {
        remedy: `Write a number after it: --${name} 7`,
      });
  }
}
