import { SamovarError } from '../errors.ts';
import { compileSchema, type JsonSchema, shown } from './schema.ts';
import type { ConfigDocument } from './yaml.ts';

/** The environment, given by the caller. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting's value and what set it: `--db`, `KETTLE_DB`, `config/samovar.yaml`. */
export interface Sourced {
  readonly value: unknown;
  readonly source: string;
}

/** Where values come from, the strongest first: flags, environment, file. */
export interface Sources {
  /** By setting: the flag's name as the user writes it, and its value. */
  readonly flags: Readonly<Record<string, Sourced>>;
  readonly env: Environment;
  readonly file?: { readonly name: string; readonly document: ConfigDocument };
}

/** Variables of Kettle and of Google's tools that set one of ours; `SAMOVAR_<SETTING>` wins over them. */
const OTHER_VARIABLES: Readonly<Record<string, readonly string[]>> = {
  db: ['KETTLE_DB'],
  build_limit: ['BUILD_LIMIT'],
  deployment: ['DEPLOYMENT'],
  subscription_path: ['SUBSCRIPTION_PATH'],
  storage_endpoint: ['STORAGE_EMULATOR_HOST'],
  bigquery_endpoint: ['BIGQUERY_EMULATOR_HOST'],
  pubsub_endpoint: ['PUBSUB_EMULATOR_HOST'],
};

/** Variables that set a setting, the strongest first. */
export function variablesOf(setting: string): readonly string[] {
  return [`SAMOVAR_${setting.toUpperCase()}`, ...(OTHER_VARIABLES[setting] ?? [])];
}

/** The value of every setting that something sets. Throws one `config` error that names each wrong flag and variable. */
export function mergeSources(schema: JsonSchema, sources: Sources): Readonly<Record<string, Sourced>> {
  const merged: Record<string, Sourced> = {};
  const problems: string[] = [];
  const written = (sources.file?.document.value ?? {}) as Readonly<Record<string, unknown>>;
  for (const [setting, rule] of Object.entries(schema.properties as Readonly<Record<string, JsonSchema>>)) {
    const given = sources.flags[setting] ?? fromEnvironment(setting, rule, sources.env);
    if (given !== undefined) {
      for (const { text } of compileSchema(rule)(given.value)) problems.push(`${given.source}: ${text}`);
      merged[setting] = given;
    } else if (sources.file !== undefined && written[setting] !== undefined) {
      merged[setting] = { value: written[setting], source: sources.file.name };
    }
  }
  if (problems.length > 0) throw new SamovarError('config', problems.join('\n'), { remedy: REMEDY });
  return merged;
}

const REMEDY =
  'Correct the flags and environment variables named above; docs/configuration.md describes each.';

/** A variable that is set but empty counts as not set: manifests often leave them so. */
function fromEnvironment(setting: string, rule: JsonSchema, env: Environment): Sourced | undefined {
  for (const name of variablesOf(setting)) {
    const text = env[name]?.trim();
    if (text) return { value: typed(text, rule.type), source: name };
  }
  return undefined;
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  '1': true,
  false: false,
  no: false,
  '0': false,
};

/** What cannot be read as the schema's type stays text, and the schema says why that is wrong. */
function typed(text: string, type: unknown): unknown {
  if (type === 'boolean') return BOOLEANS[text.toLowerCase()] ?? text;
  if ((type === 'integer' || type === 'number') && /^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text;
}

/** A setting for people to read: a password inside a URL is masked. */
export function masked(value: unknown): string {
  const text = typeof value === 'string' ? value : shown(value);
  return text.replace(/\/\/[^/@\s]+@/, '//***@');
}
