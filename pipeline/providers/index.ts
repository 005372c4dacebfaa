import type { HostBudget, Provider } from '../cache/contract.ts';
import { readSchema, shippedFile } from '../config/shipped.ts';
import { type ConfigDocument, readConfig } from '../config/yaml.ts';
import { SamovarError } from '../errors.ts';
import { ciHealthProvider } from './ci-health.ts';
import { clocksEvery, DAY_MS, HOUR_MS, MINUTE_MS, spanMs, withSettings } from './clocks.ts';
import { FEDORA_PROVIDERS, fedoraProviders } from './fedora/index.ts';
import { httpJsonProvider } from './http-json.ts';
import type { ClockSettings, FedoraConfig, FedoraUpstream, OpenWarehouse } from './types.ts';
import { urlProblem } from './urls.ts';

export interface LoadedProviders {
  readonly providers: readonly Provider[];
  readonly hosts: { readonly standard: HostBudget; readonly hosts: Readonly<Record<string, HostBudget>> };
}

export interface LoadOptions {
  /** A secret by its name; undefined: not set. */
  readonly secret: (name: 'bugzilla_api_key' | `provider:${string}`) => string | undefined;
  readonly openWarehouse: OpenWarehouse;
}

type Spans = Readonly<Partial<Record<'interval' | 'ttl' | 'stale' | 'error' | 'negative', string>>>;

interface HttpJsonEntry extends Spans {
  readonly url: string;
  readonly title?: string;
  readonly select?: string;
  readonly keys?: readonly string[];
  readonly keys_of?: string;
  readonly concurrency?: number;
  readonly tags?: readonly string[];
  readonly shrink_min?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly secret_headers?: Readonly<Record<string, string>>;
}

interface CiHealthEntry extends Spans {
  readonly jobs: readonly string[];
  readonly title?: string;
  readonly table?: string;
  readonly days?: number;
}

interface ProvidersFile {
  readonly fedora?: {
    readonly enabled?: boolean;
    readonly upstreams?: Readonly<Partial<Record<FedoraUpstream, string | null>>>;
    readonly providers?: Readonly<Record<string, (Spans & { readonly enabled?: boolean }) | null>>;
  } | null;
  readonly http_json?: Readonly<Record<string, HttpJsonEntry>> | null;
  readonly ci_health?: Readonly<Record<string, CiHealthEntry>> | null;
  readonly hosts?: Readonly<
    Record<string, { concurrency?: number; gap_ms?: number; failures_max?: number; open?: string }>
  > | null;
}

const STANDARD_BUDGET: HostBudget = {
  concurrency: 2,
  gapMs: 200,
  failuresMax: 5,
  openMs: 2 * MINUTE_MS,
};

/** The providers of a file; default: the shipped one. Throws one `config` error that names every bad line. */
export async function loadProviders(
  file: string | undefined,
  options: LoadOptions,
): Promise<LoadedProviders> {
  const from = file ?? shippedFile('config/providers.yaml');
  const document = await readConfig(from, {
    file: from,
    schema: await readSchema('providers'),
    mayBeEmpty: true,
  });
  const value = document.value as ProvidersFile;
  reportProblems(document, value);
  document.finish();
  const providers = [
    ...(value.fedora === undefined || value.fedora?.enabled === false
      ? []
      : fedoraProviders(fedoraConfig(value, options))),
    ...Object.entries(value.http_json ?? {}).map(([name, entry]) => httpJson(name, entry, options)),
    ...Object.entries(value.ci_health ?? {}).map(([name, entry]) => ciHealth(name, entry, options)),
  ];
  if (providers.length === 0)
    throw new SamovarError('config', `${from} has no provider`, {
      subject: from,
      remedy: 'Write `fedora: {}` for those of Fedora, or entries under http_json or ci_health.',
    });
  return { providers, hosts: hostBudgets(value) };
}

/** What a schema cannot say: names that are taken, keys of providers there are none of. */
function reportProblems(document: ConfigDocument, value: ProvidersFile): void {
  for (const name of Object.keys(value.fedora?.providers ?? {})) {
    if (!FEDORA_PROVIDERS.includes(name))
      document.report(
        ['fedora', 'providers'],
        `${name} is none of Fedora's; there are ${FEDORA_PROVIDERS.join(', ')}`,
        name,
      );
  }
  const taken = new Set(
    value.fedora === undefined || value.fedora?.enabled === false ? [] : FEDORA_PROVIDERS,
  );
  for (const section of ['http_json', 'ci_health'] as const) {
    for (const name of Object.keys(value[section] ?? {})) {
      if (taken.has(name))
        document.report(
          [section],
          `${name} is the name of another provider; allowed are names that differ`,
          name,
        );
      taken.add(name);
    }
  }
  for (const [name, url] of Object.entries(value.fedora?.upstreams ?? {})) {
    const problem = url === null ? undefined : urlProblem(url);
    if (problem !== undefined) document.report(['fedora', 'upstreams', name], problem);
  }
  for (const [name, entry] of Object.entries(value.http_json ?? {})) {
    const { keys, keys_of: keysOf, url } = entry;
    const problem = urlProblem(url);
    if (problem !== undefined) document.report(['http_json', name, 'url'], problem);
    if (keysOf !== undefined && !taken.has(keysOf))
      document.report(['http_json', name], `is ${keysOf}, of which there is none`, 'keys_of');
    if ((keys !== undefined || keysOf !== undefined) && !url.includes('{key}'))
      document.report(
        ['http_json', name],
        'has no {key}, and keys are given; allowed is a URL with {key}',
        'url',
      );
  }
}

function fedoraConfig({ fedora }: ProvidersFile, { secret }: LoadOptions): FedoraConfig {
  const settings = fedora?.providers ?? {};
  const upstreams = Object.entries(fedora?.upstreams ?? {}).flatMap(([name, url]) =>
    typeof url === 'string' ? [[name, url.replace(/\/+$/, '')] as const] : [],
  );
  return {
    upstreams: Object.fromEntries(upstreams),
    isOn: (name) => settings[name]?.enabled !== false,
    clocksOf: (name, standard) => withSettings(standard, clockSettings(settings[name] ?? {})),
    bugzillaKey: secret('bugzilla_api_key'),
  };
}

function clockSettings({ interval, ttl, stale, error, negative }: Spans): ClockSettings {
  return {
    ...(interval !== undefined && { intervalMs: spanMs(interval) }),
    ...(ttl !== undefined && { ttlMs: spanMs(ttl) }),
    ...(stale !== undefined && { staleMs: spanMs(stale) }),
    ...(error !== undefined && { errorMs: spanMs(error) }),
    ...(negative !== undefined && { negativeMs: spanMs(negative) }),
  };
}

function httpJson(name: string, entry: HttpJsonEntry, { secret }: LoadOptions): Provider {
  const secrets = Object.entries(entry.secret_headers ?? {}).map(([header, wanted]) => {
    const value = secret(`provider:${wanted}`);
    if (value !== undefined) return [header, value] as const;
    throw new SamovarError(
      'config',
      `the provider ${name} needs a secret ${wanted} for its header ${header}`,
      {
        subject: name,
        remedy: `Set SAMOVAR_PROVIDER_${wanted}.`,
      },
    );
  });
  return httpJsonProvider({
    name,
    title: entry.title,
    url: entry.url,
    select: entry.select,
    keys: entry.keys,
    keysOf: entry.keys_of,
    clocks: withSettings(clocksEvery(2 * HOUR_MS), clockSettings(entry)),
    concurrency: entry.concurrency ?? 4,
    tags: entry.tags ?? [],
    shrinkMin: entry.shrink_min,
    headers: { ...entry.headers, ...Object.fromEntries(secrets) },
  });
}

function ciHealth(name: string, entry: CiHealthEntry, { openWarehouse }: LoadOptions): Provider {
  const { title, table = 'week', jobs, days = 7 } = entry;
  const clocks = withSettings(clocksEvery(30 * MINUTE_MS), clockSettings(entry));
  return ciHealthProvider(
    { name, title, table, jobs, days, clocks: { ...clocks, errorMs: Math.max(clocks.errorMs, DAY_MS) } },
    openWarehouse,
  );
}

function hostBudgets({ hosts }: ProvidersFile): LoadedProviders['hosts'] {
  const budgetOf = (
    entry: NonNullable<ProvidersFile['hosts']>[string] | undefined,
    base: HostBudget,
  ): HostBudget => ({
    concurrency: entry?.concurrency ?? base.concurrency,
    gapMs: entry?.gap_ms ?? base.gapMs,
    failuresMax: entry?.failures_max ?? base.failuresMax,
    openMs: entry?.open === undefined ? base.openMs : spanMs(entry.open),
  });
  const { standard: usual, ...named } = hosts ?? {};
  const standard = budgetOf(usual, STANDARD_BUDGET);
  return {
    standard,
    hosts: Object.fromEntries(
      Object.entries(named).map(([host, entry]) => [host, budgetOf(entry, standard)]),
    ),
  };
}
