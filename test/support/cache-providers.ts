import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Fetched, Json, Previous, Provider, Upstream } from '../../pipeline/cache/contract.ts';
import { openUpstream } from '../../pipeline/collect/sources/http/upstream.ts';
import { demoProviders } from '../../pipeline/demo/cache-config.ts';
import { type RunningUpstreams, startCacheUpstreams } from '../../pipeline/demo/cache-server.ts';
import { type LoadOptions, loadProviders } from '../../pipeline/providers/index.ts';
import { openStore } from '../../pipeline/store/open.ts';
import { tempFolder } from './temp.ts';

export const NOW_MS = Date.UTC(2026, 9, 14, 12);
const folder = tempFolder();
export const BUGZILLA_KEY = 'the-key-of-bugzilla';

/** Writes a file of providers of its own and loads it. */
export async function loadText(text: string, options: Partial<LoadOptions> = {}) {
  const file = join(mkdtempSync(join(folder, 'providers-')), 'providers.yaml');
  writeFileSync(file, text);
  const openWarehouse = () => Promise.reject(new Error('there is no warehouse'));
  return loadProviders(file, { secret: () => undefined, openWarehouse, ...options });
}

/** A real client over HTTP with a store of its own; it never waits between two tries. */
export function openHttp(): { readonly http: Upstream; close(): Promise<void> } {
  const store = openStore(':memory:', { nowMs: () => NOW_MS });
  const http = openUpstream({
    hosts: store.cache.hosts,
    budgets: { standard: { concurrency: 8, gapMs: 0, failuresMax: 1000, openMs: 1000 }, hosts: {} },
    nowMs: () => NOW_MS,
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    random: () => 0,
    userAgent: 'samovar-test (test@example.org)',
    signal: new AbortController().signal,
    attemptsMax: 1,
  });
  return {
    http,
    close: async () => {
      await http.close();
      store.close();
    },
  };
}

/** The recorded upstreams, the providers over them, and what has been fetched so far: the engine's work without an engine. */
export interface Kitchen {
  readonly upstreams: RunningUpstreams;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly values: Map<string, ReadonlyMap<string, Json>>;
  fetch(provider: string, key?: string): Promise<Fetched>;
  fetchMany(provider: string, keys: readonly string[]): Promise<ReadonlyMap<string, Fetched>>;
  derive(provider: string): ReadonlyMap<string, Json>;
  /** All single and derived ones, in their order. */
  warm(): Promise<void>;
  /** As the engine checks a value; undefined: it fits. */
  misfit(provider: string, value: Json): string | undefined;
  read(provider: string, key: string): Json | undefined;
  close(): Promise<void>;
}

export async function openKitchen(change: (yaml: string) => string = (yaml) => yaml): Promise<Kitchen> {
  const upstreams = await startCacheUpstreams({ seed: 5, nowMs: NOW_MS, bugzillaKey: BUGZILLA_KEY });
  const client = openHttp();
  const secret = (name: string) => (name === 'bugzilla_api_key' ? BUGZILLA_KEY : undefined);
  const loaded = await loadText(change(demoProviders(upstreams.urls)), { secret });
  const providers = new Map(loaded.providers.map((provider) => [provider.name, provider]));
  const values: Kitchen['values'] = new Map();
  const previous = new Map<string, Previous>();
  const ajv = new Ajv2020({ allowUnionTypes: true });
  const signal = new AbortController().signal;
  const read = (name: string, key: string) => values.get(name)?.get(key);
  const around = { http: client.http, read, nowMs: NOW_MS, signal };
  const get = (name: string): Provider => {
    const provider = providers.get(name);
    if (provider === undefined) throw new Error(`there is no provider ${name}`);
    return provider;
  };
  const keep = (name: string, key: string, fetched: Fetched) => {
    if (fetched.kind !== 'value') return;
    previous.set(`${name} ${key}`, { ...fetched, fetchedAtMs: NOW_MS });
    values.set(name, new Map([...(values.get(name) ?? []), [key, fetched.value]]));
  };
  const kitchen: Kitchen = {
    ...{ upstreams, providers, values, read },
    fetch: async (name, key = '') => {
      const before = previous.get(`${name} ${key}`);
      const fetched = await get(name).fetch?.({ ...around, key, ...(before && { previous: before }) });
      if (fetched === undefined) throw new Error(`${name} cannot be fetched`);
      keep(name, key, fetched);
      return fetched;
    },
    fetchMany: async (name, keys) => {
      const fetched = await get(name).fetchMany?.fetch({ ...around, keys: keys.map((key) => ({ key })) });
      return fetched ?? new Map();
    },
    derive: (name) => {
      const made = get(name).derive?.({ read, nowMs: NOW_MS, signal }) as Iterable<{
        key: string;
        value: Json;
      }>;
      values.set(name, new Map([...made].map(({ key, value }) => [key, value])));
      return values.get(name) ?? new Map();
    },
    warm: async () => {
      for (const { name, kind } of providers.values()) {
        if (kind === 'single') await kitchen.fetch(name);
        if (kind === 'derived') kitchen.derive(name);
      }
    },
    misfit: (name, value) => {
      const validate = ajv.compile(get(name).schema);
      return validate(value) ? undefined : ajv.errorsText(validate.errors);
    },
    close: async () => {
      await client.close();
      await upstreams.close();
    },
  };
  return kitchen;
}
