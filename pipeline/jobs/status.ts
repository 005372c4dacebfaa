import type { TableConfig } from '../config/tables.ts';
import { describeError, SamovarError } from '../errors.ts';
import type { HoldState } from '../store/hold.ts';
import type { Inspection } from '../store/inspect.ts';
import type {
  CacheState,
  DeadLetterState,
  MutationState,
  RootState,
  TableState,
} from '../store/inspect-reads.ts';
import { ledgerName, windowOf } from './monitor.ts';
import { type NextStep, nextStep } from './status-next.ts';

const DAY_MS = 86_400_000;

/** What there is of a database: nothing, nothing to be read (and why), or what it says. */
export type Found<T> =
  | { readonly state: 'missing' }
  | { readonly state: 'unreadable'; readonly kind: Inspection['kind'] | undefined; readonly why: string }
  | ({ readonly state: 'there' } & T);

export interface BuildsState {
  readonly builds: { readonly builds: number; readonly finished: number; readonly watched: number };
  readonly roots: readonly RootState[];
  readonly tables: readonly (TableState & { readonly table: string })[];
  readonly deadLetters: DeadLetterState;
  readonly fileBytes: number;
  readonly walBytes: number;
  readonly pagesLeft: number;
}

export interface StatusReport {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly file: string;
  readonly warehouse: string;
  readonly hold: HoldState;
  readonly builds: Found<BuildsState>;
  /** Roots as configured. */
  readonly roots: readonly string[];
  /** Nothing was configured: what is collected are the demo's builds. */
  readonly demo: boolean;
  readonly subscription: string | undefined;
  readonly diskFreeBytes: number | undefined;
  readonly mutationLog: Found<MutationState> & { readonly file: string };
  readonly cache: Found<CacheState> & { readonly file: string };
  /** When a report was last written. */
  readonly reportAt: number | undefined;
  readonly next: NextStep;
}

export interface StatusContext {
  readonly file: string;
  readonly warehouse: string;
  readonly mutationFile: string;
  readonly cacheFile: string;
  readonly tables: readonly TableConfig[];
  readonly roots: readonly string[];
  readonly demo: boolean;
  readonly subscription: string | undefined;
  /** Opens a database to read only; undefined: it is not there. */
  readonly inspect: (file: string) => Inspection | undefined;
  readonly hold: HoldState;
  readonly diskFreeBytes: number | undefined;
  readonly reportAt: number | undefined;
  readonly nowMs: number;
}

/** How everything stands, from this machine's files alone: nothing is asked over the network, and nothing is written. */
export function status(context: StatusContext): StatusReport {
  const { file, warehouse, roots, demo, subscription, hold, diskFreeBytes, reportAt, nowMs } = context;
  const known = {
    ...{ nowMs, file, warehouse, hold, roots, demo, subscription, diskFreeBytes, reportAt },
    builds: look(context, file, (inspection) => buildsOf(inspection, context)),
    mutationLog: {
      file: context.mutationFile,
      ...look(context, context.mutationFile, (inspection) => inspection.mutations()),
    },
    cache: {
      file: context.cacheFile,
      ...look(context, context.cacheFile, (inspection) => inspection.caches()),
    },
  };
  return { ...known, next: nextStep(known) };
}

function look<T>(
  { inspect }: StatusContext,
  file: string,
  read: (inspection: Inspection) => T | undefined,
): Found<T> {
  let inspection: Inspection | undefined;
  try {
    inspection = inspect(file);
    if (inspection === undefined) return { state: 'missing' };
    const { kind } = inspection;
    const found = kind === 'samovar' ? read(inspection) : undefined;
    return found === undefined ? { state: 'unreadable', kind, why: WHY[kind] } : { state: 'there', ...found };
  } catch (error) {
    // One that somebody writes to is never in the way of a reader: this is trouble.
    if (!(error instanceof SamovarError)) throw error;
    return { state: 'unreadable', kind: undefined, why: describeError(error) };
  } finally {
    inspection?.close();
  }
}

const WHY: Readonly<Record<Inspection['kind'], string>> = {
  samovar: 'it is of an older version, without what is looked for',
  kettle: 'it is a database of Kettle, which the next update upgrades',
  newer: 'it was made by a newer Samovar',
  empty: 'it is empty',
  foreign: "it is neither Samovar's nor Kettle's",
};

function buildsOf(inspection: Inspection, { tables, warehouse, nowMs }: StatusContext): BuildsState {
  return {
    builds: inspection.builds(),
    roots: inspection.roots(),
    tables: tables.map(({ name, days }) => ({
      table: name,
      ...inspection.table(ledgerName(warehouse, name), windowOf(days, nowMs)),
    })),
    deadLetters: inspection.deadLetters(nowMs - DAY_MS),
    ...inspection.size(),
  };
}
