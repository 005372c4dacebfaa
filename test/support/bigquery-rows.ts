import { gunzipSync } from 'node:zlib';
import { parse } from 'lossless-json';
import type { Field } from '../../pipeline/backends/warehouse/contract.ts';
import { rowProblem } from '../../pipeline/backends/warehouse/rows.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** The rows of an uploaded file, or why the whole of it is refused. Whole numbers past 2^53 become strings. */
export function readRows(
  content: Buffer,
  schema: readonly Field[],
  rowBytesMax: number,
): readonly Row[] | Refusal {
  const rows: Row[] = [];
  const plain = content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content;
  for (const line of plain.toString().split('\n')) {
    if (line === '') continue;
    const place = `Error while reading data, error message: JSON table encountered too many errors, giving up. Rows: ${rows.length + 1}`;
    if (Buffer.byteLength(line) > rowBytesMax)
      return { reason: 'invalid', message: `${place}; row larger than the maximum` };
    try {
      const problem = rowProblem(schema, JSON.parse(line));
      if (problem !== undefined) return { reason: 'invalid', message: `${place}; ${problem}` };
    } catch {
      return { reason: 'invalid', message: `${place}; JSON parsing error` };
    }
    rows.push(parse(line, undefined, exactNumber) as Row);
  }
  return rows;
}

/** The two parts of a multipart/related body: the job and the file. */
export function readParts(
  contentType: string,
  body: Buffer,
): { readonly job: unknown; readonly content: Buffer } {
  const boundary = /boundary=([^;]+)/.exec(contentType)?.[1];
  const mark = Buffer.from(`--${boundary}`);
  const starts: number[] = [];
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) starts.push(at);
  const [first, second, end] = starts;
  if (boundary === undefined || first === undefined || second === undefined || end === undefined)
    throw new Error('a multipart body has two parts and an end');
  return { job: JSON.parse(part(body, first, second).toString()), content: part(body, second, end) };
}

function part(body: Buffer, from: number, to: number): Buffer {
  const headEnd = body.indexOf('\r\n\r\n', from) + 4;
  return body.subarray(headEnd, to - 2);
}

/** A row as the API gives it: a list of cells in the schema's order, each value a string. */
export function encodeRow(schema: readonly Field[], row: Row): unknown {
  return {
    f: schema.map((field) => {
      const value = row[field.name] ?? null;
      if (field.mode !== 'REPEATED') return { v: encodeItem(field, value) };
      return {
        v: (Array.isArray(value) ? value : []).map((item: unknown) => ({ v: encodeItem(field, item) })),
      };
    }),
  };
}

function encodeItem(field: Field, value: unknown): unknown {
  if (value === null) return null;
  if (field.type === 'RECORD') return encodeRow(field.fields ?? [], value as Row);
  return field.type === 'TIMESTAMP' ? micros(value) : String(value);
}

function micros(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 1e6));
  const text = String(value).replace(' ', 'T');
  return String(Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`) * 1000);
}

function exactNumber(text: string): number | string {
  const number = Number(text);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : text;
}
