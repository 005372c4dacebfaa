import { compile, TreeInterpreter } from '@jmespath-community/jmespath';
import type { Fetched, FetchRequest, Json, KeyRule, Provider, ProviderClocks } from '../cache/contract.ts';
import { SamovarError } from '../errors.ts';

/** An entry of `http_json`: a provider without code. */
export interface HttpJsonConfig {
  readonly name: string;
  readonly title: string | undefined;
  /** With `{key}` where the key goes; without it there is one entry. */
  readonly url: string;
  /** JMESPath; undefined: the whole answer. */
  readonly select: string | undefined;
  /** Kept keys: given, or all that another provider's value lists; undefined: of those asked for. */
  readonly keys: readonly string[] | undefined;
  readonly keysOf: string | undefined;
  readonly clocks: ProviderClocks;
  readonly concurrency: number;
  readonly tags: readonly string[];
  readonly shrinkMin: number | undefined;
  /** Header values are secrets' values already. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Longer keys are no path segment that anybody meant. */
const KEY_CHARS_MAX = 500;
const SELECTED_BYTES_MAX = 32 * 2 ** 20;

/** Throws `config` when the expression is none. */
export function httpJsonProvider(config: HttpJsonConfig): Provider {
  const { name, title, url, clocks, concurrency, tags, shrinkMin } = config;
  const keyed = url.includes('{key}');
  const select = selector(config);
  return {
    name,
    title: title ?? name,
    kind: keyed ? 'keyed' : 'single',
    // Whatever JSON it is: the configuration does not say more.
    schema: {},
    version: 1,
    clocks,
    concurrency,
    upstream: new URL(url.replaceAll('{key}', 'key')).origin,
    tags: ['http_json', ...tags],
    dependsOn: config.keysOf === undefined ? [] : [config.keysOf],
    ...(keyed && { keys: keyRule(config) }),
    ...(shrinkMin !== undefined && { shrinkMin, sizeOf }),
    fetch: (request) => fetchOne(request, config, select),
  };
}

function keyRule({ keys, keysOf }: HttpJsonConfig): KeyRule {
  if (keysOf !== undefined) return { rule: 'all', of: keysOf };
  return keys === undefined ? { rule: 'seen' } : { rule: 'given', keys };
}

function selector({ select, name }: HttpJsonConfig): (value: Json) => Json {
  if (select === undefined) return (value) => value;
  const expression = parsed(name, select);
  return (value) => {
    const selected = TreeInterpreter.search(
      expression,
      value as Parameters<typeof TreeInterpreter.search>[1],
    ) as Json;
    if (JSON.stringify(selected).length > SELECTED_BYTES_MAX)
      throw new SamovarError(
        'too-large',
        `${name}: what "select" takes is over ${SELECTED_BYTES_MAX} bytes`,
        { subject: name },
      );
    return selected;
  };
}

function parsed(name: string, select: string): ReturnType<typeof compile> {
  try {
    return compile(select);
  } catch (cause) {
    throw new SamovarError(
      'config',
      `${name}: "select" is no JMESPath expression: ${(cause as Error).message}`,
      {
        subject: name,
        remedy: 'See https://jmespath.org for what it may be.',
        cause,
      },
    );
  }
}

async function fetchOne(
  request: FetchRequest,
  config: HttpJsonConfig,
  select: (value: Json) => Json,
): Promise<Fetched> {
  const { key, previous, http } = request;
  if (key.length > KEY_CHARS_MAX || key === '.' || key === '..')
    return { kind: 'absent', reason: 'no such key can be' };
  const answer = await http.getJson(
    config.url.replaceAll('{key}', () => encodeURIComponent(key.toWellFormed())),
    {
      headers: config.headers,
      ...(previous?.etag !== undefined && { etag: previous.etag }),
      ...(previous?.lastModified !== undefined && { lastModified: previous.lastModified }),
    },
  );
  if (answer.kind !== 'value') return answer;
  return {
    kind: 'value',
    value: selected(config, select, answer.value),
    ...(answer.etag !== undefined && { etag: answer.etag }),
    ...(answer.lastModified !== undefined && { lastModified: answer.lastModified }),
  };
}

function selected({ name }: HttpJsonConfig, select: (value: Json) => Json, value: Json): Json {
  try {
    return select(value);
  } catch (cause) {
    if (cause instanceof SamovarError) throw cause;
    throw new SamovarError(
      'malformed',
      `${name}: "select" does not fit the answer: ${(cause as Error).message}`,
      {
        subject: name,
        cause,
      },
    );
  }
}

function sizeOf(value: Json): number {
  if (Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 1;
}
