import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { hostOf } from '../collect/sources/http/budgets.ts';
import { nearest } from '../config/similar.ts';
import { SamovarError } from '../errors.ts';
import type { Json, Provider } from './contract.ts';

/** The providers there are, checked and in the order of their dependencies. */
export interface Registry {
  /** Each after what it depends on, else as they were given. */
  readonly ordered: readonly Provider[];
  /** Throws `config` with the name that is like it. */
  get(name: string): Provider;
  find(name: string): Provider | undefined;
  /** That depend on it, in order. */
  dependants(name: string): readonly Provider[];
  /** It, and every provider made of it, of what is made of it, and so on. */
  derivedFrom(name: string): readonly Provider[];
  /** What a derived provider is made of, as far as it has to be there: single and derived ones. */
  sources(provider: Provider): readonly Provider[];
  host(provider: Provider): string | undefined;
  /** What is wrong with a value; undefined: nothing. */
  misfit(provider: Provider, value: Json): string | undefined;
}

const NAME = /^[a-z][a-z0-9_]{0,63}$/;
const known = new WeakMap<readonly Provider[], Registry>();

/** Throws `config`. Made once for the same list. */
export function registryOf(providers: readonly Provider[]): Registry {
  const made = known.get(providers) ?? makeRegistry(providers);
  known.set(providers, made);
  return made;
}

function makeRegistry(providers: readonly Provider[]): Registry {
  const byName = new Map(providers.map((provider) => [provider.name, provider]));
  for (const provider of providers) assertUsable(provider, byName);
  if (byName.size < providers.length) {
    const names = providers.map(({ name }) => name);
    const twice = names.find((name, at) => names.indexOf(name) !== at) ?? '';
    throw wrong(twice, 'there are two providers of this name');
  }
  const ordered = inOrder(providers, byName);
  const dependants = (name: string) => ordered.filter(({ dependsOn }) => dependsOn.includes(name));
  const get = (name: string) => byName.get(name) ?? unknown(name, [...byName.keys()]);
  const hosts = new Map(ordered.map(({ name, upstream }) => [name, upstream && hostOf(upstream)]));
  return {
    ordered,
    get,
    find: (name) => byName.get(name),
    dependants,
    derivedFrom: (name) => {
      const found = new Set([name]);
      for (const { name: other, kind, dependsOn } of ordered)
        if (kind === 'derived' && dependsOn.some((source) => found.has(source))) found.add(other);
      return ordered.filter((provider) => found.has(provider.name));
    },
    sources: (provider) =>
      provider.dependsOn.map(get).filter(({ kind }) => kind === 'single' || kind === 'derived'),
    host: ({ name }) => hosts.get(name),
    misfit: createMisfit(),
  };
}

function unknown(name: string, names: readonly string[]): never {
  const near = nearest(name, names);
  throw new SamovarError('config', `there is no provider ${JSON.stringify(name)}`, {
    subject: name,
    remedy: `${near === undefined ? '' : `Did you mean "${near}"? `}There are: ${names.join(', ')}.`,
  });
}

function wrong(name: string, text: string): SamovarError {
  return new SamovarError('config', `provider ${JSON.stringify(name)}: ${text}`, { subject: name });
}

function assertUsable(provider: Provider, byName: ReadonlyMap<string, Provider>): void {
  const { name, kind, dependsOn, keys, concurrency, upstream, shrinkMin } = provider;
  const rules: readonly (readonly [boolean, string])[] = [
    [NAME.test(name), 'a name is a lower-case letter, then at most 63 lower-case letters, digits and _'],
    ...dependsOn.map(
      (other) => [byName.has(other), `depends on ${JSON.stringify(other)}, which is no provider`] as const,
    ),
    [keys?.rule !== 'all' || byName.has(keys.of), 'takes its keys from a provider that there is not'],
    [keys === undefined || kind === 'keyed', 'only a keyed provider has a rule for its keys'],
    [Number.isInteger(concurrency) && concurrency >= 1, 'its concurrency has to be a whole number from 1'],
    [upstream === undefined || hostOf(upstream) !== undefined, 'its upstream is no URL'],
    [shrinkMin === undefined || (shrinkMin > 0 && shrinkMin <= 1), 'shrinkMin has to be above 0, at most 1'],
    [kind !== 'single' || provider.fetch !== undefined, 'nothing says how to fetch it'],
    [
      kind !== 'keyed' || provider.fetch !== undefined || provider.fetchMany !== undefined,
      'nothing says how to fetch it',
    ],
    [kind !== 'derived' || provider.derive !== undefined, 'nothing says how to derive it'],
    [kind !== 'derived' || dependsOn.length > 0, 'a derived provider has to depend on one'],
    ...clockRules(provider),
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken !== undefined) throw wrong(name, broken[1]);
}

function clockRules({ clocks }: Provider): readonly (readonly [boolean, string])[] {
  const { ttlMs, staleMs, errorMs, negativeMs, intervalMs } = clocks;
  return [
    [[ttlMs, staleMs, errorMs, negativeMs].every((ms) => ms >= 0), 'its clocks have to be from 0'],
    [errorMs >= staleMs, 'errorMs has to be at least staleMs'],
    [intervalMs === undefined || intervalMs >= 1000, 'its interval has to be at least a second'],
  ];
}

function inOrder(providers: readonly Provider[], byName: ReadonlyMap<string, Provider>): readonly Provider[] {
  const done = new Set<Provider>();
  const visit = (provider: Provider, path: readonly string[]) => {
    if (done.has(provider)) return;
    if (path.includes(provider.name))
      throw wrong(provider.name, `depends on itself: ${[...path, provider.name].join(' -> ')}`);
    const before = [...provider.dependsOn, ...(provider.keys?.rule === 'all' ? [provider.keys.of] : [])];
    for (const name of before) {
      const other = byName.get(name);
      if (other !== undefined) visit(other, [...path, provider.name]);
    }
    done.add(provider);
  };
  for (const provider of providers) visit(provider, []);
  return [...done];
}

function createMisfit(): Registry['misfit'] {
  const ajv = new Ajv2020({
    allowUnionTypes: true,
    validateSchema: false,
    meta: false,
    validateFormats: false,
  });
  const compiled = new Map<string, ValidateFunction>();
  return (provider, value) => {
    const validate = compiled.get(provider.name) ?? ajv.compile(provider.schema);
    compiled.set(provider.name, validate);
    if (validate(value)) return undefined;
    const [first] = validate.errors ?? [];
    return `${first?.instancePath || 'the value'} ${first?.message ?? 'does not fit'}`;
  };
}
