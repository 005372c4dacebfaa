import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { SamovarError } from '../errors.ts';
import { createGzipConcat, type PackedRow, unpackRow } from '../records/chunk.ts';

/** Where rows go. Nothing counts as written before `finish` has returned. */
export interface RowSink {
  write(row: PackedRow): Promise<void>;
  /** Makes the output whole and durable; gives its size and hash where it is a file. */
  finish(): Promise<{ readonly fileBytes: number; readonly sha256: string } | undefined>;
  /** Leaves nothing half-written behind. */
  abandon(): Promise<void>;
}

/** Plain NDJSON onto a stream. A reader that goes away (a broken pipe) is an error: nothing then counts as emitted. */
export function streamSink(out: Writable): RowSink {
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken ??= error;
  };
  out.on('error', onError);
  const write = (bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      if (broken) return reject(pipeError(broken));
      out.write(bytes, (error) => (error ? reject(pipeError(error)) : resolve()));
    });
  return {
    write: (row) => write(unpackRow(row.data, row.bytes)),
    finish: async () => {
      await write(Buffer.alloc(0));
      out.off('error', onError);
      return undefined;
    },
    abandon: async () => undefined,
  };
}

function pipeError(cause: Error): SamovarError {
  return new SamovarError(
    'storage',
    'the output was closed before all rows were written; nothing counts as emitted',
    {
      remedy: 'Run it again; whatever read the output must read it to its end.',
      cause,
    },
  );
}

const WRITE_BYTES = 1 << 20;

/**
 * One ordinary gzip file made of the stored rows as they are. It appears under `file` whole, synced to disk, or not at all.
 */
export async function gzipFileSink(file: string): Promise<RowSink> {
  const partial = `${file}.partial`;
  const handle = await onDisk(file, () => {
    mkdirSync(dirname(file), { recursive: true });
    return open(partial, 'w');
  });
  const hash = createHash('sha256');
  const gzip = createGzipConcat();
  let parts: Uint8Array[] = [gzip.header()];
  let size = parts[0]?.length ?? 0;
  const flush = async () => {
    const block = Buffer.concat(parts);
    parts = [];
    size = 0;
    hash.update(block);
    await handle.writeFile(block);
  };
  const finish = async () => {
    parts.push(gzip.trailer());
    await flush();
    await handle.sync();
    await handle.close();
    await rename(partial, file);
    await syncFolder(dirname(file));
    return { fileBytes: (await stat(file)).size, sha256: hash.digest('hex') };
  };
  return {
    write: async (row) => {
      parts.push(gzip.add(row));
      size += row.data.length;
      if (size >= WRITE_BYTES) await onDisk(file, flush);
    },
    finish: () => onDisk(file, finish),
    abandon: async () => {
      await handle.close().catch(() => undefined);
      await rm(partial, { force: true });
    },
  };
}

async function onDisk<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const full = (cause as { readonly code?: unknown }).code === 'ENOSPC';
    throw new SamovarError(
      'storage',
      `the file ${file} could not be written; nothing of it counts as emitted`,
      {
        subject: file,
        remedy: full
          ? 'Free disk space, then run it again.'
          : 'Check that its folder exists and can be written to.',
        cause,
      },
    );
  }
}

/** A rename survives a power cut only when its folder was synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().catch(() => undefined);
  await handle.close();
}
