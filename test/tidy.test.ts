import { describe, expect, test } from 'vitest';
import { deadFiles, impureRecords, strayPackages, wrongArrows } from './tidy/arrows.ts';
import {
  defaultExports,
  duplicatedBlocks,
  environmentReads,
  globalClocks,
  longFiles,
  longFunctions,
  medianLines,
} from './tidy/code.ts';
import {
  deadLinks,
  privateTexts,
  undeclaredDependencies,
  undescribedDependencies,
  unusedDependencies,
} from './tidy/texts.ts';
import { readTree, type Tree } from './tidy/tree.ts';

const tree = readTree();

type Sample = Readonly<Record<string, string>>;
const treeOf = (sample: Sample): Tree => Object.entries(sample).map(([path, text]) => ({ path, text }));

/** A rule holds for the project, and for each bad sample it says so: a rule that cannot fail would be none. */
function rule(
  name: string,
  check: (files: Tree) => readonly string[],
  bad: readonly Sample[],
  good: readonly Sample[] = [],
) {
  describe(name, () => {
    test('holds', () => expect(check(tree)).toEqual([]));
    test.each(bad.map((sample, at) => [at + 1, sample] as const))('sees bad sample %d', (_, sample) => {
      expect(check(treeOf(sample))).not.toEqual([]);
    });
    test.each(good.map((sample, at) => [at + 1, sample] as const))('accepts good sample %d', (_, sample) => {
      expect(check(treeOf(sample))).toEqual([]);
    });
  });
}

const manyLines = (count: number) =>
  Array.from({ length: count }, (_, at) => `const a${at} = ${at};\n`).join('');
const imports = (path: string, target: string): Sample => ({ [path]: `import { a } from '${target}';\n` });

rule(
  'no file is over 300 lines',
  longFiles,
  [{ 'pipeline/a.ts': manyLines(301) }],
  [{ 'pipeline/a.ts': manyLines(300) }],
);

rule(
  'no function is over 70 lines',
  longFunctions,
  [
    { 'pipeline/a.ts': `function long() {\n${manyLines(69)}}\n` },
    { 'pipeline/a.ts': `const long = async () => {\n${manyLines(69)}};\n` },
    { 'scripts/a.ts': `const all = { long() {\n${manyLines(69)}} };\n` },
  ],
  [{ 'pipeline/a.ts': `function fits() {\n${manyLines(68)}}\n` }],
);

test('the median file is about a hundred lines', () => {
  const median = medianLines(tree);
  console.log(`median file of pipeline/: ${median} lines`);
  expect(median).toBeLessThanOrEqual(120);
});

rule(
  'imports point one way',
  wrongArrows,
  [
    imports('pipeline/collect/a.ts', '../commands/b.ts'),
    imports('pipeline/store/a.ts', '../collect/b.ts'),
    imports('pipeline/records/a.ts', '../store/b.ts'),
    imports('pipeline/emit/a.ts', '../load/b.ts'),
    imports('pipeline/k8s/a.ts', '../collect/b.ts'),
    imports('pipeline/collect/a.ts', '../backends/bucket/index.ts'),
    imports('pipeline/commands/a.ts', '../backends/bucket/gs.ts'),
    imports('pipeline/context.ts', './backends/warehouse/duckdb-load.ts'),
    imports('pipeline/backends/bucket/gs.ts', './file-io.ts'),
    imports('pipeline/backends/bucket/gs.ts', '../../collect/retry.ts'),
    imports('pipeline/jobs/a.ts', '../cli.ts'),
    { 'pipeline/collect/a.ts': "export { a } from '../commands/b.ts';\n" },
    { 'pipeline/collect/a.ts': "const a = await import('../commands/b.ts');\n" },
    imports('pipeline/elsewhere/a.ts', '../errors.ts'),
  ],
  [
    imports('pipeline/collect/a.ts', '../backends/bucket/contract.ts'),
    imports('pipeline/commands/a.ts', '../backends/bucket/index.ts'),
    imports('pipeline/backends/bucket/index.ts', './gs.ts'),
    imports('pipeline/backends/bucket/gs.ts', './gs-list.ts'),
    imports('pipeline/backends/warehouse/bigquery.ts', './limits.ts'),
  ],
);

rule(
  'an SDK is imported only by its driver',
  strayPackages,
  [
    imports('pipeline/collect/a.ts', '@google-cloud/storage'),
    imports('pipeline/backends/bucket/gs.ts', '@google-cloud/bigquery'),
    imports('pipeline/jobs/a.ts', '@duckdb/node-api'),
    imports('pipeline/emit/a.ts', 'better-sqlite3'),
    imports('pipeline/load/a.ts', 'undici'),
    imports('pipeline/jobs/a.ts', 'yargs/helpers'),
  ],
  [
    imports('pipeline/backends/bucket/gs-auth.ts', '@google-cloud/storage'),
    imports('pipeline/store/a.ts', 'better-sqlite3'),
  ],
);

rule(
  'records do no I/O',
  impureRecords,
  [imports('pipeline/records/a.ts', 'node:fs'), imports('pipeline/records/a.ts', 'node:http')],
  [imports('pipeline/records/a.ts', 'node:zlib')],
);

rule(
  'every file is reached from the command line',
  deadFiles,
  [{ 'pipeline/cli.ts': "import './a.ts';\n", 'pipeline/a.ts': '', 'pipeline/b.ts': "import './a.ts';\n" }],
  [{ 'pipeline/cli.ts': "new Worker(new URL('./worker.ts', import.meta.url));\n", 'pipeline/worker.ts': '' }],
);

rule(
  'the environment is read in cli.ts and context.ts only',
  environmentReads,
  [
    { 'pipeline/a.ts': 'const a = process.env.HOME;\n' },
    { 'pipeline/a.ts': "const a = process.env['HOME'];\n" },
  ],
  [{ 'pipeline/context.ts': 'const a = process.env.HOME;\n' }, { 'pipeline/a.ts': '// process.env\n' }],
);

rule(
  'clock and randomness come from the context',
  globalClocks,
  [
    { 'pipeline/a.ts': 'const a = Date.now();\n' },
    { 'pipeline/a.ts': 'const a = { clock: Date.now };\n' },
    { 'pipeline/a.ts': 'const a = Math.random();\n' },
    { 'pipeline/a.ts': 'const a = new Date();\n' },
  ],
  [
    { 'pipeline/a.ts': 'const a = new Date(0); // not new Date()\n' },
    { 'pipeline/context.ts': 'const a = Date.now();\n' },
  ],
);

rule(
  'exports are named',
  defaultExports,
  [
    { 'pipeline/a.ts': 'export default 1;\n' },
    { 'pipeline/a.ts': 'export default function a() {}\n' },
    { 'test/a.ts': 'const a = 1;\nexport { a as default };\n' },
  ],
  [{ 'pipeline/a.ts': 'export const a = 1;\n' }],
);

rule(
  'no block of twelve lines is written twice',
  duplicatedBlocks,
  [{ 'pipeline/a.ts': manyLines(12), 'pipeline/b.ts': `// other\n\n${manyLines(12)}` }],
  [{ 'pipeline/a.ts': manyLines(11), 'pipeline/b.ts': manyLines(11) }],
);

const dependsOn = (name: string) => JSON.stringify({ dependencies: { [name]: '1' } });
rule(
  'every dependency is imported',
  unusedDependencies,
  [{ 'package.json': dependsOn('left-pad') }],
  [{ 'package.json': dependsOn('yaml'), 'pipeline/a.ts': "import { parse } from 'yaml';\n" }],
);
rule('every imported package is a dependency', undeclaredDependencies, [
  imports('pipeline/a.ts', 'left-pad/x.js'),
]);
rule('every dependency is described, and nothing else', undescribedDependencies, [
  { 'package.json': dependsOn('yaml') },
  { 'package.json': '{}', 'docs/dependencies.md': '| `left-pad` | pads |\n' },
]);

rule(
  'nothing names what only one machine has',
  privateTexts,
  [
    { 'README.md': `see ../${'shared'}/x\n` },
    { 'scripts/a': `cd "/${'work'}/main"\n` },
    { 'a.ts': `const a = '/${'home'}/me';\n` },
    { 'a.yaml': `cache: /${'root'}/.cache\n` },
    { 'docs/a.md': `from registry.${'npmjs'}.org\n` },
  ],
  [{ 'a.ts': "const a = 'gs://bucket/work/root/home/x';\n" }],
);

rule(
  'every link in the documents leads somewhere',
  deadLinks,
  [
    { 'README.md': '[a](docs/gone.md)\n' },
    { 'README.md': '[a](docs/a.md#gone)\n', 'docs/a.md': '# Here\n' },
    { 'docs/a.md': '[a](#gone)\n' },
  ],
  [
    {
      'README.md': '[a](docs/a.md#over-here-now) [b](docs/) [c](https://x.example/y)\n',
      'docs/a.md': '## Over here, now!\n',
    },
    { 'README.md': '`[a](gone.md)`\n```\n[b](gone.md)\n```\n' },
  ],
);
