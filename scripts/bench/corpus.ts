import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { createCorpus } from './corpus/index.ts';

const USAGE = 'tsx scripts/bench/corpus.ts --out DIR [--builds N] [--seed S] [--anchor-ms MS]';

/** Writes the corpus as plain files: 0.46 MB a build. The benches need none of it, their server makes objects as they are asked for. */
function main(args: readonly string[]): number {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string' },
      builds: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      'anchor-ms': { type: 'string' },
    },
  });
  if (values.out === undefined) throw new Error('--out is missing: where should the corpus go?');
  const anchorMs = Number(values['anchor-ms'] ?? Date.now());
  const corpus = createCorpus({ seed: Number(values.seed), builds: Number(values.builds), anchorMs });
  for (const name of corpus.names) {
    const file = join(values.out, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, corpus.read(name) ?? '');
  }
  process.stdout.write(`${corpus.names.length} files in ${values.out}\n`);
  return 0;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}
