import { SamovarError } from '../errors.ts';
import type { LogSource, LogWriter } from '../mutation-log/contract.ts';

export interface DiskProgress {
  /** Records of the log that the files have. */
  readonly records: number;
  /** Of these, how many they had before. */
  readonly before: number;
}

/** Synced together: few enough for memory, enough that the disk is not what takes the time. */
const BATCH_BYTES = 4 << 20;

/**
 * Writes a log into another, record by record, behind what that one has already: which must be the log's beginning. Throws `conflict` where
 * it is not.
 */
export async function writeLog(
  source: LogSource,
  writer: Pick<LogWriter, 'read' | 'append'>,
  {
    signal,
    onProgress,
  }: { readonly signal?: AbortSignal; readonly onProgress?: (progress: DiskProgress) => void } = {},
): Promise<DiskProgress> {
  const call = signal === undefined ? {} : { signal };
  const known = writer.read(call)[Symbol.asyncIterator]();
  const progress = { records: 0, before: 0 };
  let batch: Uint8Array[] = [];
  let bytes = 0;
  const flush = async () => {
    await writer.append(batch);
    progress.records += batch.length;
    batch = [];
    bytes = 0;
    onProgress?.({ ...progress });
  };
  let compares = true;
  for await (const { payload, segment, offset } of source.read(call)) {
    const there = compares ? await known.next() : undefined;
    if (there !== undefined && there.done !== true) {
      if (Buffer.compare(there.value.payload, payload) !== 0) throw other(source, segment, offset);
      progress.records += 1;
      progress.before += 1;
      continue;
    }
    compares = false;
    batch.push(payload);
    bytes += payload.length;
    if (bytes >= BATCH_BYTES) await flush();
  }
  if (compares && (await known.next()).done !== true) throw longer(source);
  if (batch.length > 0) await flush();
  return progress;
}

function other({ url }: LogSource, segment: number, offset: number): SamovarError {
  return new SamovarError(
    'conflict',
    `the files have another record than ${url} has in segment ${segment} at byte ${offset}`,
    { subject: url, remedy: 'They are of another log: name an empty folder.' },
  );
}

function longer({ url }: LogSource): SamovarError {
  return new SamovarError('conflict', `the files have more records than ${url}`, {
    subject: url,
    remedy: 'They are of another log, or it was replaced: name an empty folder.',
  });
}
