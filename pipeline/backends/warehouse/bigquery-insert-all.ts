import { createHash } from 'node:crypto';
import { SamovarError } from '../../errors.ts';
import type { CallOptions } from '../bucket/contract.ts';
import { type JsonRecord, oversize, rowOf } from './bigquery-append-rows.ts';
import { bounded, type Connection } from './bigquery-client.ts';
import { rowFailures } from './bigquery-insert-all-errors.ts';
import { baseName } from './bigquery-tables.ts';
import type { Appender, AppendOutcome, AppendPlace, AppendRow, EncodedRow, TableSpec } from './contract.ts';

/** The service takes 50,000 rows and 10 MB a request, and advises 500. The rest is for the frame around the rows. */
const LIMITS = { rowsMax: 500, bytesMax: 9 * 1024 ** 2 };
const NOTHING_WRONG: AppendOutcome = { refused: [], tooLarge: [] };

interface InsertRow {
  readonly insertId: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * Appends by tabledata.insertAll. At least once: BigQuery drops a second row of the same insert id within a minute or so, as
 * best it can and without promise. Rows are readable at once, and cannot be changed or deleted for up to 90 minutes.
 */
export function insertAllAppender(connection: Connection): Appender {
  return {
    kind: 'insert-all',
    guarantee: 'at-least-once',
    limits: LIMITS,
    encode,
    open: async () => ({ stream: '', offset: 0 }),
    append: ({ table, rows }, options = {}) =>
      rows.length === 0 ? Promise.resolve(NOTHING_WRONG) : insertHalving(connection, table, rows, 0, options),
    settle: async (_place: AppendPlace) => undefined,
    close: async () => undefined,
  };
}

function encode(table: TableSpec, row: AppendRow): EncodedRow {
  const payload: InsertRow = { insertId: insertId(row), json: withoutNulls(rowOf(table, row)) };
  // And the comma between two rows.
  const bytes = Buffer.byteLength(JSON.stringify(payload)) + 1;
  if (bytes > LIMITS.bytesMax) throw oversize(table, row, bytes, LIMITS.bytesMax);
  return { bytes, payload };
}

/** Null is the same as nothing there, but for a list: insertAll refuses that one. */
function withoutNulls(record: JsonRecord): JsonRecord {
  const kept = Object.entries(record).filter(([, value]) => value !== null);
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutNullsIn(value)]));
}

function withoutNullsIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNullsIn);
  return typeof value === 'object' && value !== null ? withoutNulls(value as JsonRecord) : value;
}

/** Of any key's length, within the 128 characters allowed. */
function insertId({ key, version }: AppendRow): string {
  return createHash('sha256').update(`${version}\n${key}`).digest('base64url');
}

/** A request that is refused for its size is sent as two: the limits of proxies on the way are not ours to know. */
async function insertHalving(
  connection: Connection,
  table: TableSpec,
  rows: readonly EncodedRow[],
  from: number,
  options: CallOptions,
): Promise<AppendOutcome> {
  try {
    return await insert(connection, table, rows, from, options);
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'too-large') throw error;
  }
  if (rows.length === 1) return { refused: [], tooLarge: [from] };
  const middle = Math.ceil(rows.length / 2);
  const first = await insertHalving(connection, table, rows.slice(0, middle), from, options);
  const second = await insertHalving(connection, table, rows.slice(middle), from + middle, options);
  return {
    refused: [...first.refused, ...second.refused],
    tooLarge: [...first.tooLarge, ...second.tooLarge],
  };
}

async function insert(
  connection: Connection,
  table: TableSpec,
  rows: readonly EncodedRow[],
  from: number,
  options: CallOptions,
): Promise<AppendOutcome> {
  const what = `appending ${rows.length} rows to ${table.name}`;
  const { signal, timeoutMs = connection.options.timeoutMs } = options;
  const bounds = { timeoutMs, ...(signal !== undefined && { signal }) };
  try {
    return await bounded(connection, what, bounds, async () => {
      try {
        await connection.dataset.table(baseName(table.name)).insert(
          rows.map(({ payload }) => payload as InsertRow),
          // One try: the library's own would send rows again that nobody asked it to.
          {
            raw: true,
            createInsertId: false,
            partialRetries: 0,
            skipInvalidRows: false,
            ignoreUnknownValues: false,
          },
        );
        return NOTHING_WRONG;
      } catch (error) {
        return rowFailures(error, `${connection.url}: ${what}`, from);
      }
    });
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'missing')
      throw await whyMissing(connection, table, error, bounds);
    throw error;
  }
}

/** For minutes after a table was made, insertAll may not know it yet: only where nobody does is it missing. */
async function whyMissing(
  connection: Connection,
  table: TableSpec,
  error: SamovarError,
  bounds: CallOptions & { readonly timeoutMs: number },
): Promise<SamovarError> {
  const [exists] = await bounded(connection, `table ${table.name}`, bounds, () =>
    connection.dataset.table(baseName(table.name)).exists(),
  );
  if (!exists) return error;
  return new SamovarError(
    'unavailable',
    `${error.message} (it was made moments ago and is not there for insertAll yet)`,
    {
      subject: connection.url,
      remedy: 'Nothing: the rows are sent again, and taken some minutes after the table was made.',
      cause: error,
    },
  );
}
