import type { TableInfo, Warehouse } from '../backends/warehouse/contract.ts';
import { describeError, SamovarError } from '../errors.ts';
import type { DatabaseSize, Inspection } from '../store/inspect.ts';
import type { DeadLetterState, RootState, TableState } from '../store/inspect-reads.ts';
import type { MonitorLimits } from './monitor-limits.ts';
import { problemsOf } from './monitor-limits.ts';
import { windowStart } from './tables.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** New versions of builds come while these settle, and for as long as their files are tried again: by default 5 days. */
const VERSIONS_DAYS = 6;

/** A table to look at. */
export interface MonitoredTable {
  readonly name: string;
  /** URL of its warehouse. */
  readonly warehouse: string;
  /** Builds that ended within so many days are for it; 0: all. Undefined: it is not configured, and only its size and age are told. */
  readonly days: number | undefined;
}

/** One table as it stands. What is not known is absent. */
export interface TableReport {
  readonly table: string;
  readonly warehouse: string;
  /** `ledger`: the warehouse could not be asked, and its age is what the ledger tells. */
  readonly seen: 'warehouse' | 'ledger' | 'missing' | 'unknown';
  readonly rows?: number;
  readonly bytes?: number;
  /** ISO 8601: the newest of what the warehouse says of its last change and the ledger of its last load. */
  readonly modifiedAt?: string;
  readonly hoursOld?: number;
  /** Builds that the ledger says are there. */
  readonly committed?: number;
  /** Builds that are for it and not there yet, and since when the oldest of them waits. */
  readonly waiting?: number;
  readonly oldestWaitingAt?: string;
  readonly lagHours?: number;
}

export interface BucketReport {
  readonly bucket: string;
  readonly builds: number;
  readonly newestAt?: string;
  readonly hoursOld?: number;
}

/** What could not be looked at, and why. */
export interface Unseen {
  readonly what: string;
  readonly code: string;
  readonly why: string;
}

/** What is beyond a limit. */
export interface Problem {
  readonly check: 'stale' | 'lag' | 'bucket' | 'dead-letters' | 'disk' | 'pages' | 'missing' | 'unseen';
  readonly subject: string;
  readonly message: string;
  readonly remedy: string;
}

export interface DatabaseReport extends DatabaseSize {
  readonly file: string;
  readonly diskFreeBytes?: number;
  readonly diskSizeBytes?: number;
}

export interface MonitorReport {
  /** ISO 8601 */
  readonly at: string;
  readonly tables: readonly TableReport[];
  readonly buckets: readonly BucketReport[];
  readonly deadLetters?: Omit<DeadLetterState, 'newestAt' | 'newer'> & { readonly newInDay: number };
  readonly database?: DatabaseReport;
  readonly unseen: readonly Unseen[];
  readonly problems: readonly Problem[];
}

export interface MonitorContext {
  readonly file: string;
  /** Opens the database to read only; undefined: it is not there. */
  readonly inspect: () => Inspection | undefined;
  readonly tables: readonly MonitoredTable[];
  /** URLs of the configured roots. */
  readonly roots: readonly string[];
  /** Opens to read only. */
  readonly openWarehouse: (url: string) => Promise<Warehouse>;
  readonly disk: () => Promise<{ readonly freeBytes: number; readonly sizeBytes: number }>;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  readonly limits: MonitorLimits;
}

/** Looks at everything once. What cannot be looked at is told, and the rest is looked at all the same. Writes nothing. */
export async function monitor(context: MonitorContext): Promise<MonitorReport> {
  const unseen: Unseen[] = [];
  const nowMs = context.nowMs();
  const found = await attempt(unseen, `database ${context.file}`, async () => lookInside(context, nowMs));
  // Before the first run there may be no folder to ask about.
  const isThere = unseen[0]?.code !== 'missing';
  const disk = isThere ? await attempt(unseen, `disk of ${context.file}`, context.disk) : undefined;
  const tables = await lookAtTables(context, found?.tables ?? new Map(), unseen, nowMs);
  const report = {
    at: iso(nowMs),
    tables,
    buckets: bucketReports(context.roots, found?.roots, nowMs),
    ...(found && { deadLetters: found.deadLetters }),
    ...(found && {
      database: {
        file: context.file,
        ...found.size,
        ...(Number.isFinite(disk?.freeBytes) && {
          diskFreeBytes: disk?.freeBytes as number,
          diskSizeBytes: disk?.sizeBytes as number,
        }),
      },
    }),
    unseen,
  };
  return { ...report, problems: problemsOf(report, context.limits) };
}

async function attempt<T>(unseen: Unseen[], what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof SamovarError ? error.code : 'internal';
    unseen.push({ what, code, why: describeError(error) });
    return undefined;
  }
}

interface Inside {
  readonly size: DatabaseSize;
  readonly roots: readonly RootState[];
  readonly deadLetters: MonitorReport['deadLetters'] & object;
  /** By the table's name in the ledger. */
  readonly tables: ReadonlyMap<string, TableState>;
}

function lookInside({ inspect, tables }: MonitorContext, nowMs: number): Inside {
  const inspection = inspect();
  if (inspection === undefined)
    throw new SamovarError('missing', 'it is not there: nothing was collected here');
  try {
    assertReadable(inspection);
    const { newer, count, kinds } = inspection.deadLetters(nowMs - DAY_MS);
    return {
      size: inspection.size(),
      roots: inspection.roots(),
      deadLetters: { count, kinds, newInDay: newer },
      tables: new Map(
        tables.flatMap(({ name, warehouse, days }) =>
          days === undefined
            ? []
            : [
                [
                  ledgerName(warehouse, name),
                  inspection.table(ledgerName(warehouse, name), windowOf(days, nowMs)),
                ] as const,
              ],
        ),
      ),
    };
  } finally {
    inspection.close();
  }
}

/** What is waited for: what `update` would bring now. */
export function windowOf(days: number, nowMs: number) {
  return {
    since: windowStart(days, nowMs),
    versionsSince: Math.floor((nowMs - VERSIONS_DAYS * DAY_MS) / 1000),
  };
}

export function ledgerName(warehouse: string, table: string): string {
  return `${warehouse}/${table}`;
}

/** Throws `incompatible` or `config` for a file in which there is nothing to look at. */
export function assertReadable({ file, kind, schema, schemaKnown }: Inspection): void {
  if (kind === 'samovar') return;
  const why = {
    kettle: 'it is a database of Kettle, which the next `samovar update` upgrades',
    newer: `it was made by a newer Samovar (schema ${schema}, this one knows ${schemaKnown})`,
    empty: 'it is empty',
    foreign: "it is neither Samovar's nor Kettle's",
  }[kind];
  throw new SamovarError(kind === 'foreign' ? 'config' : 'incompatible', why, {
    subject: file,
  });
}

async function lookAtTables(
  context: MonitorContext,
  states: ReadonlyMap<string, TableState>,
  unseen: Unseen[],
  nowMs: number,
): Promise<readonly TableReport[]> {
  const infos = new Map<MonitoredTable, Info>();
  for (const url of new Set(context.tables.map(({ warehouse }) => warehouse))) {
    const here = context.tables.filter(({ warehouse }) => warehouse === url);
    const before = unseen.length;
    await attempt(unseen, `warehouse ${url}`, () => askWarehouse(context, url, here, infos));
    // A file that is not there yet is no trouble: its tables are not there either.
    if (unseen[before]?.code === 'missing') for (const table of here) infos.set(table, 'missing');
  }
  return context.tables.map((table) =>
    tableReport(table, infos.get(table), states.get(ledgerName(table.warehouse, table.name)), nowMs),
  );
}

type Info = TableInfo | 'missing';

/** One that does not answer for a table is not asked for the next. */
async function askWarehouse(
  { openWarehouse, signal }: MonitorContext,
  url: string,
  tables: readonly MonitoredTable[],
  infos: Map<MonitoredTable, Info>,
): Promise<void> {
  const warehouse = await openWarehouse(url);
  try {
    for (const table of tables)
      infos.set(table, (await warehouse.tableInfo(table.name, { signal })) ?? 'missing');
  } finally {
    await warehouse.close();
  }
}

function tableReport(
  { name, warehouse }: MonitoredTable,
  found: Info | undefined,
  state: TableState | undefined,
  nowMs: number,
): TableReport {
  const isMissing = found === 'missing';
  const info = found === 'missing' ? undefined : found;
  const modifiedMs = isMissing ? undefined : newest(info?.modifiedMs, state?.committedAt);
  const seen = isMissing ? 'missing' : info ? 'warehouse' : modifiedMs === undefined ? 'unknown' : 'ledger';
  return {
    table: name,
    warehouse,
    seen,
    ...(info?.rows !== undefined && { rows: info.rows }),
    ...(info?.bytes !== undefined && { bytes: info.bytes }),
    ...(modifiedMs !== undefined && { modifiedAt: iso(modifiedMs), hoursOld: hours(nowMs - modifiedMs) }),
    ...(state && { committed: state.committed, waiting: state.waiting }),
    ...(state?.oldestWaitingAt !== undefined && { oldestWaitingAt: iso(state.oldestWaitingAt) }),
    ...(state && { lagHours: hours(nowMs - (state.oldestWaitingAt ?? nowMs)) }),
  };
}

function newest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** Every configured root, and those that have builds and are configured no more. */
function bucketReports(
  configured: readonly string[],
  known: readonly RootState[] | undefined,
  nowMs: number,
): readonly BucketReport[] {
  if (known === undefined) return [];
  const states = new Map(known.map((root) => [root.url, root]));
  return configured.map((url) => {
    const { builds = 0, newestAt } = states.get(url) ?? {};
    return {
      bucket: url,
      builds,
      ...(newestAt !== undefined && { newestAt: iso(newestAt), hoursOld: hours(nowMs - newestAt) }),
    };
  });
}

/** Never below 0: a clock that is behind makes nothing younger than new. */
function hours(ms: number): number {
  return Math.round(Math.max(0, ms / HOUR_MS) * 100) / 100;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
