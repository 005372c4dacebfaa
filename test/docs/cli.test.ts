import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLI_DOCUMENT, cliDocument } from '../../scripts/docs/cli-text.ts';

describe('docs/cli.md', () => {
  it('is as the commands are (else: npx tsx scripts/docs/cli.ts, and commit it)', async () => {
    expect(readFileSync(CLI_DOCUMENT, 'utf8')).toBe(await cliDocument());
  }, 60_000);

  it('comes out the same twice', async () => {
    expect(await cliDocument()).toBe(await cliDocument());
  }, 60_000);
});
