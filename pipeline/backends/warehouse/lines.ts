import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { SamovarError } from '../../errors.ts';
import type { Field } from './contract.ts';
import { checkRowBytes } from './limits.ts';
import { rowProblem } from './rows.ts';

const NEWLINE = 10;
const CHUNK_BYTES = 1 << 18;

export interface FileRows {
  readonly rows: number;
  /** Of the longest row, newline included. */
  readonly rowBytesMax: number;
}

/** True for a file that warehouses take as gzip: by its name, as they do. */
export function isGzip(file: string): boolean {
  return file.endsWith('.gz');
}

/**
 * Reads a whole file of newline-delimited JSON once and holds each row to the schema; one row in memory at a time. Throws
 * `malformed` with the number of the first row a warehouse would refuse, `too-large` for a row past the limit, `missing`
 * without the file.
 */
export async function checkFile(
  file: string,
  schema: readonly Field[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<FileRows> {
  let rows = 0;
  let rowBytesMax = 0;
  for await (const line of readLines(file, options)) {
    if (line.length === 0) continue;
    rows += 1;
    checkRowBytes(line.length + 1, `${file}: row ${rows}`);
    rowBytesMax = Math.max(rowBytesMax, line.length + 1);
    const problem = lineProblem(schema, line);
    if (problem === undefined) continue;
    throw new SamovarError('malformed', `${file}: row ${rows}: ${problem}`, {
      subject: file,
      remedy:
        'No row of the file was loaded. Correct the row or the schema and load again under a new job id.',
    });
  }
  return { rows, rowBytesMax };
}

function lineProblem(schema: readonly Field[], line: Buffer): string | undefined {
  let row: unknown;
  try {
    row = JSON.parse(line.toString());
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}`;
  }
  return rowProblem(schema, row);
}

/** The lines of a plain or gzip file, without their newlines. A line longer than a row may be is a `too-large`, not memory. */
async function* readLines(file: string, options: { readonly signal?: AbortSignal }): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunks(file, options)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const tail = chunk.subarray(start, end);
      yield restBytes === 0 ? tail : Buffer.concat([...rest, tail]);
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    checkRowBytes(restBytes, file);
  }
  if (restBytes > 0) yield Buffer.concat(rest);
}

async function* chunks(file: string, { signal }: { readonly signal?: AbortSignal }): AsyncGenerator<Buffer> {
  const raw = createReadStream(file, { highWaterMark: CHUNK_BYTES, ...(signal && { signal }) });
  const body: Readable = isGzip(file) ? raw.pipe(createGunzip({ chunkSize: CHUNK_BYTES })) : raw;
  // pipe() does not hand errors on.
  raw.on('error', (error) => body.destroy(error));
  try {
    for await (const chunk of body) yield chunk as Buffer;
  } catch (error) {
    throw readError(file, error, signal);
  } finally {
    raw.destroy();
    body.destroy();
  }
}

function readError(file: string, error: unknown, signal: AbortSignal | undefined): SamovarError {
  if (signal?.aborted === true)
    return new SamovarError('aborted', `${file}: given up, the run is ending`, { subject: file });
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT')
    return new SamovarError('missing', `${file}: there is no such file`, { subject: file, cause: error });
  if (code.startsWith('Z_'))
    return new SamovarError('malformed', `${file}: not a whole gzip file`, {
      subject: file,
      remedy: 'Write the file again.',
      cause: error,
    });
  return new SamovarError('storage', `${file}: cannot be read`, { subject: file, cause: error });
}
