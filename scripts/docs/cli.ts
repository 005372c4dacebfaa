import { readFileSync, writeFileSync } from 'node:fs';
import { CLI_DOCUMENT, cliDocument } from './cli-text.ts';

/** Writes docs/cli.md from the commands; with --check only says whether it is as they are. */
const text = await cliDocument();
if (!process.argv.includes('--check')) {
  writeFileSync(CLI_DOCUMENT, text);
  console.log('docs/cli.md is as the commands are');
} else if (readFileSync(CLI_DOCUMENT, 'utf8') !== text) {
  console.error('docs/cli.md is not as the commands are: run npx tsx scripts/docs/cli.ts and commit it');
  process.exitCode = 1;
}
