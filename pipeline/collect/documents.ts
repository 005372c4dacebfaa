import type { Bucket } from '../backends/bucket/contract.ts';
import { describeError, SamovarError } from '../errors.ts';
import { type JsonObject, parseDocument } from '../records/json.ts';
import { decodeJson } from '../records/json-text.ts';

const DOCUMENT_BYTES_MAX = 16 * 2 ** 20;

/** started.json or finished.json as read. */
export interface Document {
  readonly json: JsonObject;
  readonly text: string;
  readonly generation: string;
  readonly updatedMs: number | undefined;
}

export interface Documents {
  readonly started: Document | undefined;
  readonly finished: Document | 'unchanged' | undefined;
  /** A started.json that is there but cannot be read: the build goes on without it. */
  readonly startedProblem: SamovarError | undefined;
}

/**
 * Reads both documents of a build at once. A 404 is an answer; a finished.json that cannot be read is an error of the build.
 */
export async function readDocuments(
  bucket: Bucket,
  folder: string,
  options: DocumentOptions,
): Promise<Documents> {
  const { signal, finishedGeneration } = options;
  const readFinished = () =>
    readDocument(bucket, `${folder}/finished.json`, {
      signal,
      ...(finishedGeneration !== undefined && { unlessGeneration: finishedGeneration }),
    });
  // Asked about again it has usually not changed: then one request is all.
  const early = finishedGeneration === undefined ? undefined : await readFinished();
  if (early === 'unchanged') return { started: undefined, finished: early, startedProblem: undefined };
  const [started, finished] = await Promise.all([
    readStarted(bucket, folder, signal),
    early ?? readFinished(),
  ]);
  if (started instanceof SamovarError) return { started: undefined, finished, startedProblem: started };
  return { started, finished, startedProblem: undefined };
}

export interface DocumentOptions {
  readonly signal: AbortSignal;
  /** The generation of finished.json that is known: an unchanged one is not read. */
  readonly finishedGeneration?: string;
}

async function readStarted(
  bucket: Bucket,
  folder: string,
  signal: AbortSignal,
): Promise<Document | SamovarError | undefined> {
  try {
    const started = await readDocument(bucket, `${folder}/started.json`, { signal });
    return started === 'unchanged' ? undefined : started;
  } catch (error) {
    if (error instanceof SamovarError && (error.code === 'malformed' || error.code === 'too-large'))
      return error;
    throw error;
  }
}

async function readDocument(
  bucket: Bucket,
  name: string,
  options: { readonly signal: AbortSignal; readonly unlessGeneration?: string },
): Promise<Document | 'unchanged' | undefined> {
  const read = await bucket.read(name, { ...options, bytesMax: DOCUMENT_BYTES_MAX });
  if (read === undefined || read === 'unchanged') return read;
  try {
    const json = parseDocument(read.bytes);
    return { json, text: decodeJson(read.bytes), generation: read.generation, updatedMs: read.updatedMs };
  } catch (cause) {
    if (!(cause instanceof SamovarError)) throw cause;
    throw new SamovarError(cause.code, `${bucket.url}/${name} cannot be read: ${describeError(cause)}`, {
      subject: `${bucket.url}/${name}`,
      cause,
    });
  }
}
