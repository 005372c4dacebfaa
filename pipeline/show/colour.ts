/** Paints text where a terminal reads it; elsewhere gives it as it is. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

type Env = Readonly<Record<string, string | undefined>>;

// Not util.styleText: that judges by standard output itself, and differently from version to version of Node 20.
const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;

/**
 * Whether a stream gets colours: NO_COLOR (not empty) forbids, FORCE_COLOR (not empty, `0` or `false`) demands, else it has to be
 * a terminal that is not `dumb`.
 */
export function wantsColours(stream: { readonly isTTY?: boolean }, env: Env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '') return !/^(0|false)$/.test(env.FORCE_COLOR);
  return stream.isTTY === true && env.TERM !== 'dumb';
}

export function paintOf(isColoured: boolean): Paint {
  const painter = (name: keyof typeof CODES) => (text: string) =>
    isColoured && text !== '' ? `\u001b[${CODES[name][0]}m${text}\u001b[${CODES[name][1]}m` : text;
  return {
    bold: painter('bold'),
    dim: painter('dim'),
    red: painter('red'),
    green: painter('green'),
    yellow: painter('yellow'),
  };
}

const decided = { stdout: paintOf(false), stderr: paintOf(false) };

/** The one place that decides, once, when the command begins. Until then nothing is painted. */
export function decideColours(env: Env, streams: { readonly stdout: Tty; readonly stderr: Tty }): void {
  decided.stdout = paintOf(wantsColours(streams.stdout, env));
  decided.stderr = paintOf(wantsColours(streams.stderr, env));
}

interface Tty {
  readonly isTTY?: boolean;
}

/** For what is printed there. Asked for at the moment of printing: `paint('stdout').bold(text)`. */
export function paint(stream: 'stdout' | 'stderr'): Paint {
  return decided[stream];
}
