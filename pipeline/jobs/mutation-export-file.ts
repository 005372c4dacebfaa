import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SamovarError } from '../errors.ts';

/** Writes text as it comes, no faster than the stream takes it. False when its reader went away before the end: it has enough. */
export async function writeToStream(out: Writable, text: AsyncIterable<string>): Promise<boolean> {
  // The write that fails tells of it; without a listener the process would end.
  const onError = () => undefined;
  out.on('error', onError);
  try {
    for await (const part of text) await writePart(out, part);
    return true;
  } catch (error) {
    if (isClosed(error)) return false;
    throw error;
  } finally {
    out.off('error', onError);
  }
}

function writePart(out: Writable, part: string): Promise<void> {
  return new Promise((resolve, reject) => {
    out.write(part, (error) => (error ? reject(error) : resolve()));
  });
}

function isClosed(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED';
}

/** Writes a file: it is there whole, or as it was before. */
export async function writeToFile(file: string, text: AsyncIterable<string>): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await pipeline(text, createWriteStream(partial));
    const handle = await open(partial, 'r+');
    await handle.sync().finally(() => handle.close());
    await rename(partial, file);
  } catch (cause) {
    await rm(partial, { force: true });
    const code = (cause as { readonly code?: unknown }).code;
    if (cause instanceof SamovarError || typeof code !== 'string' || !code.startsWith('E')) throw cause;
    throw new SamovarError('storage', `the file ${file} could not be written`, {
      subject: file,
      remedy: 'Check that its folder can be written to, and that there is room.',
      cause,
    });
  }
}
