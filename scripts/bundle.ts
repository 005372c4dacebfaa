import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

/**
 * `npm run build`, second half: the command as a few files instead of some four hundred, for finding and reading those took a third of
 * each start. dist/cli.js is replaced; what is behind a lazy import stays a file of its own, in dist/bundle.
 */
const ROOT = resolve(import.meta.dirname, '..');
/** Another folder than dist/: for the test of what is built. */
const [outdir = 'dist'] = process.argv.slice(2);
/** Of the packages, those that nearly every command reads at its start. All others are read from node_modules when they are used. */
const BUNDLED = ['ajv', 'p-limit', 'protobufjs', 're2js', 'yaml', 'yargs'];
/** What packages in CommonJS expect to find around them. */
const COMMONJS = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);`;

const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
};

rmSync(resolve(ROOT, outdir, 'bundle'), { recursive: true, force: true });
await build({
  absWorkingDir: ROOT,
  outdir,
  entryPoints: {
    cli: 'pipeline/cli.ts',
    // What it starts threads of.
    'bundle/thread': 'pipeline/collect/reading/thread.ts',
  },
  chunkNames: 'bundle/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: Object.keys(dependencies).filter((name) => !BUNDLED.includes(name)),
  banner: { js: COMMONJS },
  sourcemap: 'linked',
  // Stack traces keep the names of functions; texts of classes and functions are nobody's input.
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'warning',
});
