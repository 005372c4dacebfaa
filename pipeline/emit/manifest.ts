import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ownVersion } from '../config/shipped.ts';
import { SamovarError } from '../errors.ts';
import { FORMAT, manifestProblems } from './manifest-shape.ts';

/** What a file of rows is: whoever loads it can tell that it is whole, and which batch of which table it holds. */
export interface Manifest {
  readonly format: typeof FORMAT;
  /** Base name of the data file, which lies beside the manifest. */
  readonly file: string;
  /** The table or ledger whose batch it is. */
  readonly table: string;
  readonly generation: number;
  readonly rows: number;
  /** Of NDJSON, unpacked. */
  readonly bytes: number;
  /** Of the file as it is. */
  readonly fileBytes: number;
  /** Of the file's bytes, in hexadecimal. */
  readonly sha256: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The Samovar that wrote it. */
  readonly version: string;
  /** True: the rows become the whole table. */
  readonly replace: boolean;
  /** Epoch seconds when the first and the last build in it finished; absent when it has no rows. */
  readonly firstFinished?: number;
  readonly lastFinished?: number;
}

/** What the writer of a file knows; the rest of a manifest follows from it. */
export type Description = Omit<Manifest, 'format' | 'file' | 'version'>;

/** Where the manifest of a data file lies. */
export function manifestPath(file: string): string {
  return `${file}.manifest.json`;
}

/**
 * Writes the manifest of `file` beside it, whole and synced, or not at all. Write it after the file: a file without a manifest
 * is never loaded. Throws `internal` for a description that no reader would take, `storage` when the disk refuses.
 */
export async function writeManifest(file: string, description: Description): Promise<Manifest> {
  const manifest: Manifest = { format: FORMAT, file: basename(file), version: ownVersion(), ...description };
  const problems = manifestProblems(manifest);
  if (problems.length > 0)
    throw new SamovarError('internal', `manifest of ${file} is not written: ${problems.join('; ')}`, {
      subject: file,
    });
  const path = manifestPath(file);
  try {
    await writeWhole(path, `${JSON.stringify(manifest, null, 2)}\n`);
  } catch (cause) {
    throw new SamovarError('storage', `manifest ${path} could not be written`, { subject: path, cause });
  }
  return manifest;
}

async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`;
  const handle = await open(partial, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(partial, path);
  const folder = await open(dirname(path), 'r');
  // Some file systems cannot sync a folder; the manifest is whole all the same.
  await folder.sync().catch(() => undefined);
  await folder.close();
}

/**
 * Reads and checks a manifest. Throws `missing` when there is none, `incompatible` for a format of another Samovar, and
 * `malformed` with every reason for anything else.
 */
export async function readManifest(path: string): Promise<Manifest> {
  const manifest = parse(path, await readText(path));
  const { format } = Object(manifest);
  if (typeof format === 'number' && format !== FORMAT) {
    throw new SamovarError(
      'incompatible',
      `manifest ${path} has format ${format}; this version of Samovar reads format ${FORMAT}`,
      {
        subject: path,
        remedy: 'Use the version of Samovar that wrote it, or write the file anew with make-json.',
      },
    );
  }
  const problems = manifestProblems(manifest);
  if (problems.length === 0) return manifest as Manifest;
  throw new SamovarError('malformed', `manifest ${path} cannot be used: ${problems.join('; ')}`, {
    subject: path,
    remedy: REMEDY,
  });
}

const REMEDY = 'Write the file anew with make-json; nothing of it has been loaded.';

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = Object(cause).code === 'ENOENT' ? 'missing' : 'storage';
    throw new SamovarError(code, `manifest ${path} could not be read`, {
      subject: path,
      remedy: 'A file is loaded only with the manifest that make-json --out writes beside it.',
      cause,
    });
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SamovarError('malformed', `manifest ${path} is not JSON`, {
      subject: path,
      remedy: REMEDY,
      cause,
    });
  }
}

/**
 * Reads the file once and compares its length and SHA-256 with its manifest. Throws `missing` when it is not there and
 * `malformed`, saying which of the two differs.
 */
export async function verifyManifest(
  file: string,
  manifest: Manifest,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const fileBytes = await sizeOf(file);
  if (fileBytes !== manifest.fileBytes) throw differs(file, 'length in bytes', manifest.fileBytes, fileBytes);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20, ...options }))
    hash.update(chunk);
  const sha256 = hash.digest('hex');
  if (sha256 !== manifest.sha256) throw differs(file, 'SHA-256', manifest.sha256, sha256);
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    throw new SamovarError('missing', `${file} is not there, though its manifest is`, {
      subject: file,
      remedy: REMEDY,
      cause,
    });
  }
}

function differs(file: string, what: string, expected: string | number, seen: string | number): SamovarError {
  const message = `${file} is not the file its manifest describes: its ${what} is ${seen} instead of ${expected}`;
  return new SamovarError('malformed', message, { subject: file, remedy: REMEDY });
}
