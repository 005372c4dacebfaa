import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const ROOT = resolve(import.meta.dirname, '../..');
const CACHE = join(ROOT, '.cache/faults');
const PRELOAD = 'test/faults/preload';
const DAY_MS = 86_400_000;

/** The command as plain JavaScript in a folder of its own, so that a child starts fast and dist/ is left alone. */
export interface Build {
  readonly cli: string;
  /** For `node --import`. */
  readonly preload: string;
}

/** Builds what the sources are now, unless that was built before. Types are not checked here: that is for `npm run check`. */
export function buildForFaults(): Build {
  const sources = [...filesUnder('pipeline'), ...filesUnder(PRELOAD)];
  const texts = sources.map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
  const hash = createHash('sha256');
  for (const { path, text } of texts) hash.update(`${path}\0${text}\0`);
  const folder = join(CACHE, hash.digest('hex').slice(0, 16));
  if (!existsSync(folder)) make(folder, texts);
  return {
    cli: join(folder, 'dist/cli.js'),
    preload: pathToFileURL(join(folder, 'preload/index.js')).href,
  };
}

function make(folder: string, texts: readonly { readonly path: string; readonly text: string }[]): void {
  mkdirSync(CACHE, { recursive: true });
  removeOld();
  const partial = mkdtempSync(join(CACHE, 'partial-'));
  // One case runs as an account without rights.
  chmodSync(partial, 0o755);
  for (const { path, text } of texts) {
    const under = path.startsWith(`${PRELOAD}/`)
      ? path.replace(PRELOAD, 'preload')
      : path.replace(/^pipeline/, 'dist');
    const target = join(partial, under.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, transpile(path, text));
  }
  // What the product looks for two folders above its modules.
  for (const name of ['config', 'schemas', 'package.json'])
    symlinkSync(join(ROOT, name), join(partial, name));
  try {
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true });
    // Another process has made the same one meanwhile.
    if (!existsSync(folder)) throw error;
  }
}

function transpile(path: string, text: string): string {
  const { outputText } = ts.transpileModule(text, {
    fileName: path,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  });
  return outputText;
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .sort();
}

function removeOld(): void {
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    if (Date.now() - statSync(path).mtimeMs > DAY_MS) rmSync(path, { recursive: true, force: true });
  }
}
