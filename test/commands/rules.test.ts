import { describe, expect, it } from 'vitest';
import { type CommandInfo, describeCommands, type Flag } from '../../pipeline/commands/catalog.ts';
import { COMMANDS } from '../../pipeline/commands/index.ts';

/** Those that can be run: groups have sub-commands instead. */
const leaves = (command: CommandInfo): readonly CommandInfo[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);

const commands = (await describeCommands(COMMANDS)).flatMap(leaves);
const named = commands.map((command) => [command.words.join(' '), command] as const);

/**
 * Commands that write nothing outside of Samovar's own database, or whose whole work is to go on writing until they are stopped, and why
 * they need no --dry-run.
 */
const NO_DRY_RUN: Readonly<Record<string, string>> = {
  'ledger show': 'reads',
  'ledger verify': 'reads',
  'dead-letters list': 'reads',
  'dead-letters retry': 'own database',
  'dead-letters export': 'reads',
  junit: 'reads',
  completion: 'reads',
  'config check': 'reads',
  'config show': 'reads',
  serve: 'reads',
  monitor: 'reads',
  status: 'reads',
  doctor: 'reads',
  'mutation-log webhook': 'own database',
  'mutation-log serve': 'serves; writes only what the holder of --internal asks for',
  'mutation-log query': 'reads',
  'mutation-log slo': 'reads',
  'mutation-log stats': 'reads',
  'mutation-log replay': 'own database',
  'mutation-log follow': 'own database, and the segments beside it',
  'mutation-log verify': 'reads',
  'mutation-log demo': 'a folder of its own',
  'cache run': 'own database',
  'cache worker': 'own database',
  'cache scheduler': 'own database',
  'cache serve': 'own database',
  'cache status': 'reads',
  'cache providers': 'reads',
  'cache get': 'reads',
  'cache refresh': 'own database',
  'cache warm': 'own database',
  'cache pause': 'own database',
  'cache resume': 'own database',
  'cache jobs list': 'reads',
  'cache jobs retry': 'own database',
  'cache jobs cancel': 'own database',
  'cache runs': 'reads',
  'cache debug': 'a shell',
  'cache demo': 'a folder of its own',
  'k8s router': 'leads requests on',
  'k8s unidler': 'acts on visitors, not on a plan',
  'k8s gitops run': 'its own words have --dry-run',
  'k8s gitops serve': 'its own words have --dry-run',
};
/** It prints text for a shell. */
const NO_JSON: readonly string[] = ['completion'];

describe.each(named)('samovar %s', (name, command) => {
  it('has an example', () => expect(command.examples).not.toEqual([]));

  it('has examples that it understands', () => {
    for (const [line] of command.examples) {
      const [, used = ''] = new RegExp(`samovar ${name}(.*)`).exec(line) ?? [];
      const flags = [
        ...used
          .replace(/ (?:&&|\||>) .*/, '')
          .replace(/ -- .*/, '')
          .matchAll(/ --(no-)?([a-z_-]+)/g),
      ];
      for (const [, , flag] of flags) expect(command.flags.map((known) => known.name)).toContain(flag);
    }
  });

  it('says what each argument and flag is', () => {
    const silent = [...command.positionals, ...command.flags].filter(({ describe: words }) => words === '');
    expect(silent.map((one) => one.name)).toEqual([]);
  });

  it('has --json', () => {
    const has = command.flags.some((flag) => flag.name === 'json');
    expect(has || NO_JSON.includes(name)).toBe(true);
  });

  it('has --dry-run, or a reason to have none', () => {
    const has = command.flags.some((flag) => flag.name === 'dry-run');
    expect([has, NO_DRY_RUN[name]]).toEqual(has ? [true, undefined] : [false, expect.any(String)]);
  });
});

/** Second names for one thing: the flag that is to be used instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  output: 'out',
  o: 'out',
  dest: 'out',
  dryrun: 'dry-run',
  dry_run: 'dry-run',
  force: 'yes',
  confirm: 'yes',
  verbose: 'log-level',
  debug: 'log-level',
  concurrency: 'threads',
  parallel: 'threads',
  workers: 'threads',
  jobs: 'job',
  dataset_id: 'dataset',
  database: 'db',
  'db-path': 'db',
  max: 'limit',
  count: 'limit',
  listen: 'http',
  'metrics-listen': 'monitor',
  interval: 'every',
};

describe('flags', () => {
  const all = named.flatMap(([name, { flags }]) => flags.map((flag) => ({ name, flag })));
  const shown = all.filter(({ flag }) => !flag.hidden);

  it.each(Object.entries(INSTEAD))('none is --%s: that is --%s', (wrong) => {
    expect(shown.filter(({ flag }) => flag.name === wrong).map(({ name }) => name)).toEqual([]);
  });

  it('take the same kind of value wherever they are', () => {
    const kinds = new Map<string, Set<string>>();
    for (const { flag } of shown) {
      const known = kinds.get(flag.name) ?? new Set();
      kinds.set(flag.name, known.add(kindOf(flag)));
    }
    expect([...kinds].filter(([, each]) => each.size > 1)).toEqual([]);
  });

  it('--format always knows json, of which --json is the short form', () => {
    const formats = shown.filter(({ flag }) => flag.name === 'format');
    expect(formats.length).toBeGreaterThan(2);
    for (const { name, flag } of formats) {
      expect(flag.choices, name).toEqual(expect.arrayContaining([expect.stringMatching(/^(nd)?json$/)]));
    }
  });
});

/** One value or several: both are written the same way. */
const kindOf = ({ type }: Flag) => type;
