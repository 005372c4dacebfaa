import type { Buffer } from 'node:buffer';
import type { Field } from '../../pipeline/backends/warehouse/contract.ts';
import { rowProblem } from '../../pipeline/backends/warehouse/rows.ts';
import type { Row } from './bigquery-rows.ts';
import { type Answer, problem, type Table } from './bigquery-store.ts';

/** The service's documented limits. Written out here: a fake that took them from the driver would agree with its mistakes. */
const REQUEST_BYTES_MAX = 10_000_000;
const ROWS_MAX = 50_000;
const INSERT_ID_MAX = 128;
const REMEMBERED_MS = 60_000;

export interface InsertFaults {
  /** Rows of a known insert id are dropped within a minute; false: they are not, which the service may do at any time. */
  dedupe: boolean;
  /** Rows are taken, then the connection is cut before the answer. */
  lostInserts: number;
  /** Rows are taken, and no answer is ever sent. */
  silentInserts: number;
  /** Inserts refused with 503, nothing taken. */
  unavailableInserts: number;
  /** Tables that were made moments ago: 404, though they are there. */
  readonly fresh: Set<string>;
  /** A proxy of this limit stands before the service and answers as it likes. */
  proxy: { readonly bytesMax: number; readonly answer: Answer } | undefined;
  /** Reasons the next rows fail for, through no fault of theirs. */
  rowErrors: string[];
}

export function noInsertFaults(): InsertFaults {
  return {
    dedupe: true,
    lostInserts: 0,
    silentInserts: 0,
    unavailableInserts: 0,
    fresh: new Set(),
    proxy: undefined,
    rowErrors: [],
  };
}

interface InsertRequest {
  readonly skipInvalidRows?: boolean;
  readonly ignoreUnknownValues?: boolean;
  readonly rows: readonly { readonly insertId?: string; readonly json: Row }[];
}

interface RowError {
  readonly index: number;
  readonly errors: readonly {
    readonly reason: string;
    readonly location: string;
    readonly message: string;
  }[];
}

/** tabledata.insertAll of a strict server: one bad row stops the request, and names the others as stopped. */
export function createInserts(
  faults: InsertFaults,
  tableOf: (name: string) => Table | undefined,
): { insertAll(name: string, body: Buffer): Answer } {
  const seen = new Map<string, number>();

  function insertAll(name: string, body: Buffer): Answer {
    if (faults.proxy !== undefined && body.length > faults.proxy.bytesMax) return faults.proxy.answer;
    if (body.length > REQUEST_BYTES_MAX) return page(413, 'Your client issued a request that was too large.');
    if (faults.unavailableInserts > 0) {
      faults.unavailableInserts -= 1;
      return problem(503, 'backendError', 'try again');
    }
    const table = faults.fresh.has(name) ? undefined : tableOf(name);
    if (table === undefined) return problem(404, 'notFound', `Not found: Table ${name}`);
    const request = JSON.parse(body.toString()) as InsertRequest;
    if (request.skipInvalidRows || request.ignoreUnknownValues)
      return problem(400, 'invalid', 'the driver promises to refuse bad rows');
    if (request.rows.length === 0) return problem(400, 'invalid', 'No rows present in the request.');
    if (request.rows.length > ROWS_MAX)
      return problem(400, 'invalid', `too many rows present in the request, limit: ${ROWS_MAX}`);
    const insertErrors = errorsOf(table.resource.schema.fields, request);
    if (insertErrors.length > 0) return { status: 200, body: { insertErrors } };
    for (const { insertId, json } of request.rows)
      if (isNew(name, insertId)) table.streamed.add(push(table, json));
    return { status: 200, body: { kind: 'bigquery#tableDataInsertAllResponse' } };
  }
  function errorsOf(fields: readonly Field[], { rows }: InsertRequest): readonly RowError[] {
    const reasons = rows.map(({ insertId = '', json }) => {
      const passing = faults.rowErrors.shift();
      if (passing !== undefined) return { reason: passing, message: 'something is slow' };
      if (insertId.length > INSERT_ID_MAX) return { reason: 'invalid', message: 'insertId too long' };
      const message = nullList(fields, json) ?? rowProblem(fields, json);
      return message === undefined ? undefined : { reason: 'invalid', message };
    });
    if (reasons.every((reason) => reason === undefined)) return [];
    return reasons.map((reason, index) => ({
      index,
      errors: [{ location: '', ...(reason ?? { reason: 'stopped', message: '' }) }],
    }));
  }
  function isNew(name: string, insertId: string | undefined): boolean {
    const id = `${name} ${insertId}`;
    const known = insertId !== undefined && faults.dedupe && Date.now() - (seen.get(id) ?? 0) < REMEMBERED_MS;
    seen.set(id, Date.now());
    return !known;
  }
  return { insertAll };
}

function push(table: Table, row: Row): Row {
  table.rows.push(row);
  return row;
}

/** Here, unlike in files that are loaded, a list is there or not: it is never null. */
function nullList(fields: readonly Field[], row: Row): string | undefined {
  const field = fields.find(({ mode, name }) => mode === 'REPEATED' && row[name] === null);
  return field && `Field value of ${field.name} cannot be empty.`;
}

/** As the front end answers what never reaches BigQuery. */
export function page(status: number, text: string): Answer {
  return {
    status,
    body: `<!DOCTYPE html>\n<html lang=en>\n  <title>Error ${status}!!1</title>\n  <style>${'*{margin:0;padding:0}'.repeat(40)}</style>\n  <p><b>${status}.</b> <ins>That’s an error.</ins>\n  <p>${text}\n`,
  };
}
