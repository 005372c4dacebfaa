import { parseRoot } from '../backends/bucket/urls.ts';
import { SamovarError } from '../errors.ts';
import { compilePattern, type NamePattern } from './regex.ts';
import { readSchema } from './shipped.ts';
import { type ConfigDocument, type ConfigText, parseConfig, readConfig } from './yaml.ts';

/** A place in a bucket under which builds lie, as config/buckets.yaml describes it. */
export interface BucketRoot {
  /** Ends in a slash: `gs://kubernetes-ci-logs/logs/`. */
  readonly url: string;
  /** Put before the names of its jobs in rows; often empty. */
  readonly prefix: string;
  readonly contact: string;
  /** Builds are numbered 1, 2, 3 …; else they are found by listing. */
  readonly sequential: boolean;
  /** Presubmits: pointer files under `<url>directory/`, builds under `<url>pull/`. */
  readonly pr: boolean;
  /** The rule that drops this job (its name without `prefix`), if any does. Every path, batch and stream, asks here. */
  excludes(job: string): string | undefined;
  /** Requests at once; absent: the run's own default. */
  readonly requestsInFlight?: number;
  /** For one run. */
  readonly timeBudgetMs?: number;
  readonly anonymous: boolean;
}

/** One entry of the file, after its schema has accepted it. */
interface RootEntry {
  readonly prefix?: string;
  readonly contact?: string;
  readonly sequential?: boolean;
  readonly exclude_jobs?: readonly string[] | null;
  readonly pr?: boolean;
  readonly requests_in_flight?: number;
  readonly time_budget_minutes?: number;
  readonly anonymous?: boolean;
  readonly disabled?: boolean;
}

const MINUTE_MS = 60_000;

/** Reads a buckets file; disabled roots are left out. Throws one `config` error that names every bad line. */
export async function loadRoots(file: string): Promise<readonly BucketRoot[]> {
  return rootsOf(await readConfig(file, { file, schema: await readSchema('buckets') }));
}

/** As `loadRoots`, of a text. */
export function parseRoots(text: string, source: ConfigText): readonly BucketRoot[] {
  return rootsOf(parseConfig(text, source));
}

/** The root that a build's path lies under: the longest, should several match. */
export function findRoot(roots: readonly BucketRoot[], buildPath: string): BucketRoot | undefined {
  let found: BucketRoot | undefined;
  for (const root of roots) {
    if (buildPath.startsWith(root.url) && root.url.length > (found?.url.length ?? 0)) found = root;
  }
  return found;
}

function rootsOf(document: ConfigDocument): readonly BucketRoot[] {
  const entries = Object.entries(document.value as Readonly<Record<string, RootEntry>>);
  const written = new Map<string, string>();
  for (const [key] of entries) {
    const url = normalise(document, key);
    if (url === undefined) continue;
    reportOverlap(document, { key, url }, written);
    written.set(url, key);
  }
  if (entries.every(([, entry]) => entry.disabled))
    document.report([], 'every root is disabled; allowed: at least one that is not');
  document.finish();
  return entries.filter(([, entry]) => !entry.disabled).map(([key, entry]) => rootOf(withSlash(key), entry));
}

/** The URL with exactly one slash at its end. Kettle takes roots without one too. */
function withSlash(url: string): string {
  return `${url.replace(/\/+$/, '')}/`;
}

function normalise(document: ConfigDocument, key: string): string | undefined {
  try {
    parseRoot(key);
    return withSlash(key);
  } catch (error) {
    if (!(error instanceof SamovarError)) throw error;
    document.report([], `${error.message}; ${error.remedy ?? ''}`, key);
    return undefined;
  }
}

function reportOverlap(
  document: ConfigDocument,
  { key, url }: { readonly key: string; readonly url: string },
  written: ReadonlyMap<string, string>,
): void {
  for (const [otherUrl, otherKey] of written) {
    if (url === otherUrl) {
      document.report([], `${key} is the same root as ${otherKey}; allowed is one entry for each root`, key);
    } else if (url.startsWith(otherUrl) || otherUrl.startsWith(url)) {
      const why = 'its builds would be collected twice; allowed are roots that do not lie inside one another';
      document.report([], `${key} and ${otherKey} overlap, ${why}`, key);
    }
  }
}

function rootOf(url: string, entry: RootEntry): BucketRoot {
  const rules = (entry.exclude_jobs ?? []).map(mustCompile);
  return {
    url,
    prefix: entry.prefix ?? '',
    contact: entry.contact ?? '',
    sequential: entry.sequential ?? true,
    pr: entry.pr ?? false,
    excludes: (job) => rules.find((rule) => rule.test(job))?.source,
    ...(entry.requests_in_flight !== undefined && { requestsInFlight: entry.requests_in_flight }),
    ...(entry.time_budget_minutes !== undefined && { timeBudgetMs: entry.time_budget_minutes * MINUTE_MS }),
    anonymous: entry.anonymous ?? false,
  };
}

/** The schema's check has compiled it once already. */
function mustCompile(source: string): NamePattern {
  const compiled = compilePattern(source);
  if (typeof compiled !== 'string') return compiled;
  throw new SamovarError(
    'internal',
    `the rule ${source} passed its schema and cannot be compiled: ${compiled}`,
  );
}
