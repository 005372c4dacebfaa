import { SamovarError } from '../../errors.ts';
import type { CallOptions } from '../bucket/contract.ts';
import { misfit, oversize, rowOf } from './bigquery-append-rows.ts';
import { bounded, type Connection } from './bigquery-client.ts';
import { type Clients, createClients, type WriteClient } from './bigquery-storage-write-client.ts';
import { ALREADY_EXISTS, answerError, connectionError } from './bigquery-storage-write-errors.ts';
import { openPipe, type Pipe, type Response } from './bigquery-storage-write-pipe.ts';
import { descriptorOf, encodeRecord } from './bigquery-storage-write-rows.ts';
import { baseName } from './bigquery-tables.ts';
import type { Appender, AppendOutcome, AppendRow, EncodedRow, TableSpec } from './contract.ts';

/** The service takes 10 MB a request; the rest is for the frame and the message's description. */
const LIMITS = { rowsMax: 50_000, bytesMax: 9 * 1024 ** 2 };
/** Of each row in a request: its tag and its length. */
const FRAME_BYTES = 5;
const NOTHING_WRONG: AppendOutcome = { refused: [], tooLarge: [] };
/** The library's own tries, some of which wait ten seconds, are not wanted. */
const ONE_TRY = { retry: { retryCodes: [] } };

interface Writer {
  readonly connection: Connection;
  readonly clients: Clients;
  /** By write stream; those that work. */
  readonly pipes: Map<string, Pipe>;
}

/**
 * Throws `config` where other requests go to a server of the user's and these would go to Google's.
 *
 * Appends by the Storage Write API: committed streams, each append with its offset. Exactly once: the server takes rows at the
 * stream's end only, and says of earlier offsets that it has them. Rows are readable at once.
 */
export function storageWriteAppender(connection: Connection): Appender {
  const { url, options } = connection;
  if (options.endpoint !== undefined && options.storageWriteEndpoint === undefined)
    throw new SamovarError('config', `${url} has an endpoint, and none for the Storage Write API`, {
      subject: url,
      remedy: 'Name the Storage Write endpoint too: rows for a server of your own are not sent to Google.',
    });
  const writer: Writer = {
    connection,
    clients: createClients(url, options.storageWriteEndpoint),
    pipes: new Map(),
  };
  return {
    kind: 'storage-write',
    guarantee: 'exactly-once',
    limits: LIMITS,
    encode,
    async open(table, call = {}) {
      descriptorOf(table);
      const stream = await unary(writer, `a write stream for ${table.name}`, call, (client, timeout) =>
        client.createWriteStream(
          { parent: parentOf(connection, table), writeStream: { type: 'COMMITTED' } },
          { timeout, ...ONE_TRY },
        ),
      );
      return { stream: stream.name ?? '', offset: 0 };
    },
    append: ({ table, place, rows }, call = {}) =>
      rows.length === 0 ? Promise.resolve(NOTHING_WRONG) : append(writer, table, place, rows, call),
    settle: ({ stream }, call = {}) =>
      stream === '' ? Promise.resolve(undefined) : settle(writer, stream, call),
    async close() {
      for (const pipe of [...writer.pipes.values()]) pipe.close('the appender was closed');
      await writer.clients.close();
    },
  };
}

function encode(table: TableSpec, row: AppendRow): EncodedRow {
  const record = rowOf(table, row);
  let payload: Uint8Array;
  try {
    payload = encodeRecord(table.schema, record);
  } catch (error) {
    throw misfit(table, row, error instanceof Error ? error.message : String(error));
  }
  const bytes = payload.length + FRAME_BYTES;
  if (bytes > LIMITS.bytesMax) throw oversize(table, row, bytes, LIMITS.bytesMax);
  return { bytes, payload };
}

async function append(
  writer: Writer,
  table: TableSpec,
  { stream, offset }: { readonly stream: string; readonly offset: number },
  rows: readonly EncodedRow[],
  call: CallOptions,
): Promise<AppendOutcome> {
  const { connection } = writer;
  const what = `appending ${rows.length} rows to ${table.name} at ${offset}`;
  const descriptor = descriptorOf(table);
  let pipe: Pipe | undefined;
  try {
    return await bounded(connection, what, limits(writer, call), async () => {
      pipe = await pipeOf(writer, stream);
      try {
        const payloads = rows.map(({ payload }) => payload as Uint8Array);
        return outcomeOf(await pipe.send(payloads, offset, descriptor), what, connection.url);
      } catch (error) {
        if (codeOf(error) === ALREADY_EXISTS) return NOTHING_WRONG;
        const told = connectionError(what, connection.url, error);
        // More than one row are not sent as two halves: one of them in, the whole sent again would seem to be in.
        if (told.code === 'too-large' && rows.length === 1) return { refused: [], tooLarge: [0] };
        throw told;
      }
    });
  } catch (error) {
    afterFailure(writer, pipe, error);
    throw error;
  }
}

/** Nothing waits on a connection whose answers are late, and a stalled one is left behind together with its client. */
function afterFailure(writer: Writer, pipe: Pipe | undefined, error: unknown): void {
  if (!(error instanceof SamovarError)) return;
  if (error.code === 'timeout') writer.clients.retire(pipe?.client);
  if (error.code === 'timeout' || error.code === 'aborted') pipe?.close('a request on it was given up');
}

async function pipeOf({ connection, clients, pipes }: Writer, stream: string): Promise<Pipe> {
  const client = await clients.get();
  const known = pipes.get(stream);
  if (known !== undefined) return known;
  const made = openPipe(client, stream, connection.url, () => pipes.delete(stream));
  pipes.set(stream, made);
  return made;
}

function outcomeOf({ error, rowErrors }: Response, what: string, subject: string): AppendOutcome {
  if (error === undefined || error === null || !error.code || error.code === ALREADY_EXISTS)
    return NOTHING_WRONG;
  if (rowErrors?.length)
    return {
      refused: rowErrors.map(({ index, message }) => ({
        index: Number(index ?? 0),
        reason: message ?? 'no reason given',
      })),
      tooLarge: [],
    };
  throw answerError(what, subject, error);
}

async function settle(writer: Writer, stream: string, call: CallOptions): Promise<number | undefined> {
  writer.pipes.get(stream)?.close('its stream is being ended');
  try {
    const { rowCount } = await unary(writer, `ending ${stream}`, call, (client, timeout) =>
      client.finalizeWriteStream({ name: stream }, { timeout, ...ONE_TRY }),
    );
    return Number(rowCount ?? 0);
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'missing') return undefined;
    throw error;
  }
}

/** One question and its answer, under a deadline; a client that let it pass is not asked again. */
async function unary<T>(
  writer: Writer,
  what: string,
  call: CallOptions,
  ask: (client: WriteClient, timeoutMs: number) => Promise<readonly [T, ...unknown[]]>,
): Promise<T> {
  const { connection, clients } = writer;
  const bounds = limits(writer, call);
  let client: WriteClient | undefined;
  try {
    return await bounded(connection, what, bounds, async () => {
      client = await clients.get();
      try {
        const [answer] = await ask(client, bounds.timeoutMs);
        return answer;
      } catch (error) {
        throw connectionError(what, connection.url, error);
      }
    });
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'timeout') clients.retire(client);
    throw error;
  }
}

function limits({ connection }: Writer, { signal, timeoutMs = connection.options.timeoutMs }: CallOptions) {
  return { timeoutMs, ...(signal !== undefined && { signal }) };
}

function parentOf({ place }: Connection, { name }: TableSpec): string {
  return `projects/${place.project}/datasets/${place.dataset}/tables/${baseName(name)}`;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
