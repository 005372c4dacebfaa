import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SamovarError } from '../../errors.ts';
import type { FileEdit } from './engine.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 30_000;
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;
/** What an edit may change in what is built. */
const EXPECTED = /^\s*(- )?(image|minReplicas|maxReplicas): /;

export interface CheckOptions {
  readonly how: 'auto' | 'required' | 'off';
  readonly signal: AbortSignal;
  readonly log: (message: string) => void;
  /** Default kubectl. */
  readonly kubectl?: string;
}

/**
 * Makes a check that builds the manifests before and after an edit with `kubectl kustomize`: they must still build, and differ in
 * images or bounds only. What did not build before is not this edit's fault: it is only said.
 */
export function kustomizeCheck(options: CheckOptions) {
  return async (folder: string, files: readonly FileEdit[]): Promise<void> => {
    if (options.how === 'off') return;
    for (const file of files) await checkOne(folder, file, options);
  };
}

async function checkOne(folder: string, file: FileEdit, options: CheckOptions): Promise<void> {
  const place = dirname(file.path);
  const after = await build(folder, place, options);
  if (after === 'no kubectl') {
    if (options.how === 'auto') return;
    throw refused(place, 'kubectl is not there to check it');
  }
  const before = await builtBefore(folder, file, options);
  if (typeof before !== 'string') {
    if (options.how === 'required') throw refused(place, `it did not build before either: ${before.said}`);
    return options.log(`${place} is not checked, it did not build before: ${before.said}`);
  }
  if (typeof after !== 'string') throw refused(place, `kustomize cannot build it any more: ${after.said}`);
  const strange = strangeLine(before, after);
  if (strange !== undefined)
    throw refused(place, `it would change more than images and bounds: ${strange.trim()}`);
}

/** In a copy: the clone holds the new file. */
async function builtBefore(folder: string, { path, before }: FileEdit, options: CheckOptions) {
  const copy = await mkdtemp(join(tmpdir(), 'samovar-gitops-'));
  try {
    await cp(folder, copy, { recursive: true, filter: (source) => source !== join(folder, '.git') });
    await writeFile(join(copy, path), before);
    const built = await build(copy, dirname(path), options);
    return built === 'no kubectl' ? { said: built } : built;
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function build(
  folder: string,
  place: string,
  { signal, kubectl = 'kubectl' }: CheckOptions,
): Promise<string | 'no kubectl' | { readonly said: string }> {
  try {
    const options = { cwd: folder, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX, signal };
    const { stdout } = await run(kubectl, ['kustomize', place], options);
    return stdout;
  } catch (error) {
    if (signal.aborted) throw new SamovarError('aborted', 'the check was told to end', { cause: error });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'no kubectl';
    const said = String((error as { stderr?: unknown }).stderr ?? error);
    return { said: said.replace(/\s+/g, ' ').trim().slice(0, 500) };
  }
}

function strangeLine(before: string, after: string): string | undefined {
  const [old, now] = [before.split('\n'), after.split('\n')];
  if (old.length !== now.length) return `${old.length} lines become ${now.length}`;
  return now.find((line, at) => line !== old[at] && !(EXPECTED.test(line) && EXPECTED.test(old[at] ?? '')));
}

function refused(place: string, why: string): SamovarError {
  return new SamovarError('refused', `${place} is not committed: ${why}`, {
    subject: place,
    remedy: 'Try `kubectl kustomize` there, and correct the manifests by hand.',
  });
}
