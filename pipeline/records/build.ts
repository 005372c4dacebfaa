import { buildResult } from './build-result.ts';
import { compareCodePoints, isObject, type JsonObject, type JsonValue, pythonJson } from './json.ts';
import { loadable } from './text.ts';

/** What is known of a build apart from its tests. */
export interface BuildSource {
  /** `gs://bucket/logs/job/123`, no slash at the end. */
  readonly path: string;
  /** Goes before the job's name, as the build's root is configured: `pr:`. */
  readonly jobPrefix: string;
  readonly started?: JsonObject;
  readonly finished?: JsonObject;
}

export interface MetadataPair {
  readonly key: string;
  readonly value: string;
}

/** A row's columns apart from the tests and what is counted from them. Absent means NULL. */
export interface BuildFields {
  /** Seconds. */
  readonly elapsed?: number;
  readonly executor?: string;
  /** Epoch seconds. */
  readonly finished?: number;
  readonly job: string;
  readonly metadata?: readonly MetadataPair[];
  /** Digits: ids have 19, more than a JavaScript number holds. */
  readonly number?: string;
  readonly passed?: boolean;
  readonly path: string;
  readonly repo_commit?: string;
  readonly repos?: string;
  readonly result?: string;
  /** Epoch seconds. */
  readonly started?: number;
  readonly version?: string;
}

export interface BuildHead {
  readonly fields: BuildFields;
  /** Epoch seconds from the documents, whole; undefined when absent or unreadable. */
  readonly startedAt?: number;
  readonly finishedAt?: number;
}

const INT64_MAX = 2n ** 63n - 1n;
/** BigQuery's TIMESTAMP spans the years 1 to 9999; one value outside stops a whole load. */
const TIMESTAMP_MIN = -62_135_596_800;
const TIMESTAMP_MAX = 253_402_300_799;

/**
 * Makes a row's columns from a build's documents, with Kettle's meaning. Never throws: a value of a wrong type is turned into
 * text as Python's json writes it, one that no column can hold is left out.
 */
export function buildHead(source: BuildSource): BuildHead {
  const { started, finished } = source;
  const startedAt = epochSeconds(started?.timestamp);
  const finishedAt = epochSeconds(finished?.timestamp);
  const cleaned = cleanMetadata(source);
  const fields = {
    elapsed: startedAt && finishedAt ? finishedAt - startedAt : undefined,
    executor: columnText(started?.node),
    finished: finishedAt,
    ...jobAndNumber(source),
    metadata: cleaned?.pairs,
    path: loadable(source.path),
    repo_commit: columnText(
      started?.['repo-commit'] === undefined ? started?.['repo-version'] : started['repo-commit'],
    ),
    repos: isTruthy(started?.repos) ? columnText(pythonJson(started?.repos ?? null)) : cleaned?.repos,
    ...buildResult(finished),
    started: startedAt,
    version: columnText(finished?.version),
  };
  return withoutUndefined({ fields: withoutUndefined(fields), startedAt, finishedAt });
}

function jobAndNumber(source: BuildSource): { readonly job: string; readonly number?: string } {
  const parts = source.path.split('/');
  const job = loadable(source.jobPrefix + (parts.at(-2) ?? ''));
  const build = parts.at(-1) ?? '';
  if (!/^[0-9]{1,40}$/.test(build) || BigInt(build) > INT64_MAX) return { job };
  return { job, number: String(BigInt(build)) };
}

interface CleanMetadata {
  readonly pairs: readonly MetadataPair[];
  /** Stands in where started.json has no repos. */
  readonly repos: string | undefined;
}

/** finished.json's metadata if that key is there at all, else started.json's; without what other columns say already. */
function cleanMetadata({ started, finished }: BuildSource): CleanMetadata | undefined {
  const metadata = finished && Object.hasOwn(finished, 'metadata') ? finished.metadata : started?.metadata;
  if (!isTruthy(metadata)) return undefined;
  // Not an object: Kettle breaks here. Keeping it under one key loses nothing.
  const entries = isObject(metadata) ? metadata : { metadata };
  const version = pythonJson(finished?.version === undefined ? 'N/A' : finished.version);
  const repeatsVersion = (key: string) =>
    (key === 'job-version' || key === 'version') && pythonJson(entries[key] ?? null) === version;
  const keys = Object.keys(entries).filter(
    (key) => !(key === 'repo' && !isTruthy(entries[key])) && !repeatsVersion(key),
  );
  const pairs = keys
    .sort(compareCodePoints)
    .map((key) => ({ key: loadable(key), value: textOf(entries[key]) }));
  const repos =
    entries.repos === undefined || typeof entries.repos === 'string' ? undefined : textOf(entries.repos);
  return { pairs, repos };
}

/**
 * What Python's int() gives: whole numbers, floats cut to whole ones, text of either. Undefined for anything else and for
 * what is no time before the year 10000, such as milliseconds: no unit is guessed.
 */
function epochSeconds(value: JsonValue | undefined): number | undefined {
  const isNumber = typeof value === 'bigint' || typeof value === 'number';
  if (!isNumber && !(typeof value === 'string' && /^\s*[-+]?\d+(\.\d*)?\s*$/.test(value))) return undefined;
  // The sum turns -0 into 0.
  const seconds = Math.trunc(Number(value)) + 0;
  return seconds >= TIMESTAMP_MIN && seconds <= TIMESTAMP_MAX ? seconds : undefined;
}

/** Python's truth: null, false, zero and everything empty are false. */
function isTruthy(value: JsonValue | undefined): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return Object.keys(value).length > 0;
  // NaN is true in Python and false here.
  return Boolean(value) || Number.isNaN(value);
}

function columnText(value: JsonValue | undefined): string | undefined {
  return value === undefined || value === null ? undefined : textOf(value);
}

function textOf(value: JsonValue | undefined): string {
  return loadable(typeof value === 'string' ? value : pythonJson(value ?? null));
}

/** Drops keys whose value is undefined: in a row NULL is left out. */
function withoutUndefined<T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as never;
}
