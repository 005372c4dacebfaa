import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const OUTPUT_BYTES_MAX = 1 << 24;

/** Runs a script of this folder in a process of its own, with what it is given as JSON; gives the JSON that it prints. */
export async function runChild<T>(
  script: string,
  given: object,
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const file = fileURLToPath(new URL(`./${script}`, import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', file, JSON.stringify(given)],
    { env: { ...process.env, ...env }, maxBuffer: OUTPUT_BYTES_MAX },
  );
  return JSON.parse(stdout) as T;
}

/** In such a child: what it was given. */
export function givenToChild<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}
