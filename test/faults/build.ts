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
} from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '../..');
const CACHE = join(ROOT, '.cache/faults');
const PRELOAD = 'test/faults/preload';
const DAY_MS = 86_400_000;
/** What packages in CommonJS expect to find around them; under names of its own, for some packages make those themselves. */
const COMMONJS = `import { createRequire as createRequireOfBundle } from 'node:module';
import { fileURLToPath as pathOfBundle } from 'node:url';
globalThis.require ??= createRequireOfBundle(import.meta.url);
const filenameOfBundle = pathOfBundle(import.meta.url);
const dirnameOfBundle = pathOfBundle(new URL('.', import.meta.url));`;

/** The command as one bundle in a folder of its own, so that thousands of children start fast and dist/ is left alone. */
export interface Build {
  readonly cli: string;
  /** For `node --import`. */
  readonly preload: string;
}

/** Builds what the sources are now, unless that was built before. Types are not checked here: that is for `npm run check`. */
export async function buildForFaults(): Promise<Build> {
  const sources = [...filesUnder('pipeline'), ...filesUnder(PRELOAD)];
  const hash = createHash('sha256');
  for (const path of [...sources, 'package-lock.json', 'test/faults/build.ts'])
    hash.update(`${path}\0${readFileSync(join(ROOT, path), 'utf8')}\0`);
  const folder = join(CACHE, hash.digest('hex').slice(0, 16));
  if (!existsSync(folder)) await make(folder);
  return {
    cli: join(folder, 'dist/bundle/cli.js'),
    preload: pathToFileURL(join(folder, 'preload/index.js')).href,
  };
}

async function make(folder: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  removeOld();
  const partial = mkdtempSync(join(CACHE, 'partial-'));
  // One case runs as an account without rights.
  chmodSync(partial, 0o755);
  await bundle(partial);
  // What the product looks for two folders above its modules: so deep the bundle lies too.
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

/** One bundle of both, so that what the preload patches is what the command uses. */
async function bundle(outdir: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    outdir,
    entryPoints: {
      'dist/bundle/cli': 'pipeline/cli.ts',
      // What it starts threads of.
      'dist/bundle/thread': 'pipeline/collect/reading/thread.ts',
      'preload/index': `${PRELOAD}/index.ts`,
    },
    chunkNames: 'dist/bundle/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // They find files of their own beside themselves.
    external: ['better-sqlite3', '@duckdb/node-bindings', 'pino', 'fsevents'],
    banner: { js: COMMONJS },
    define: { __filename: 'filenameOfBundle', __dirname: 'dirnameOfBundle' },
    logLevel: 'error',
  });
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
