import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { complete, type NameSource } from '../../pipeline/commands/complete.ts';
import { COMMANDS } from '../../pipeline/commands/index.ts';
import { COMPLETION_SCRIPTS } from '../../pipeline/show/completion.ts';
import { tempFolder } from '../support/temp.ts';

const names: NameSource = {
  tables: async () => ['day', 'week', 'all'],
  jobs: async () => ['ci-unit', 'pr:pull-unit'],
  queries: async () => [{ word: 'flakes', about: 'how consistent' }],
};
const asked = async (line: string) =>
  (await complete(line.split(' '), COMMANDS, names)).map(({ word }) => word);

describe('what may stand at the cursor', () => {
  it.each([
    ['', ['update', 'query', 'completion']],
    ['led', ['ledger']],
    ['ledger ', ['show', 'verify', 'repair']],
    ['ledger ver', ['verify']],
    ['cache jobs ', ['list', 'retry', 'cancel']],
    ['bq-load --table ', ['day', 'week', 'all']],
    ['bq-load --table=w', ['--table=week']],
    ['ledger show --table d', ['day']],
    ['triage --job ', ['ci-unit', 'pr:pull-unit']],
    ['query ', ['flakes']],
    ['query --days 7 f', ['flakes']],
    ['query --format ', ['table', 'json', 'csv']],
    ['mutation-log export --kind re', ['reviews']],
    ['make-db --dry', ['--dry-run']],
    ['cache clear --no', ['--no-rewarm']],
    ['completion ', ['bash', 'zsh', 'fish']],
  ])('samovar %s', async (line, expected) => {
    expect(await asked(line)).toEqual(expect.arrayContaining(expected));
  });

  it.each([
    ['a flag that is there already', 'make-db --junit --ju'],
    ['a word nobody knows', 'updat '],
    ['the value of a flag that takes anything', 'make-db --since '],
    ['a file', 'junit '],
  ])('nothing for %s', async (_, line) => {
    expect(await asked(line)).toEqual([]);
  });
});

describe('the scripts', () => {
  const folder = tempFolder();
  const cli = resolve(import.meta.dirname, '../../pipeline/cli.ts');
  const samovar = join(folder, 'samovar');
  writeFileSync(
    samovar,
    `#!/bin/sh\nexec '${process.execPath}' --import '${import.meta.resolve('tsx')}' '${cli}' "$@"\n`,
  );
  chmodSync(samovar, 0o755);

  it("bash completes a command and a flag's value by asking samovar", () => {
    const script = `${COMPLETION_SCRIPTS.bash}
      ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _samovar; echo "\${COMPREPLY[*]}"; }
      ask samovar led; ask samovar bq-load --table d`;
    const env = { PATH: `${folder}:${process.env.PATH}`, HOME: folder };
    const answer = execFileSync('bash', ['-c', script], { cwd: folder, env, encoding: 'utf8' });
    expect(answer).toBe('ledger\nday\n');
  }, 60_000);

  it.each(['zsh', 'fish'] as const)('%s asks samovar, and reads its script where that shell is', (shell) => {
    expect(COMPLETION_SCRIPTS[shell]).toContain(`--complete ${shell}`);
    if (spawnSync(shell, ['--version']).error === undefined)
      execFileSync(shell, ['-n', '-c', COMPLETION_SCRIPTS[shell]]);
  });

  it('fish: every function, if and begin has its end', () => {
    const lines = COMPLETION_SCRIPTS.fish.split('\n').map((line) => line.trim());
    const opened = lines.filter((line) => /^(function|if|while|for|begin|switch)\b/.test(line)).length;
    expect(lines.filter((line) => line === 'end')).toHaveLength(opened);
    expect(COMPLETION_SCRIPTS.fish).toMatch(/^complete -c samovar .*__samovar_complete/m);
  });
});
