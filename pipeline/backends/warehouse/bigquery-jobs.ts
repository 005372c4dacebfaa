import { setTimeout as sleep } from 'node:timers/promises';
import type { JobMetadata } from '@google-cloud/bigquery';
import { type ErrorCode, isRetryable, SamovarError } from '../../errors.ts';
import { bounded, type Connection } from './bigquery-client.ts';
import { type JobError, jobError, requestError } from './bigquery-errors.ts';

/** Between two looks at a running job: short at first, because most jobs are. */
const POLL_MIN_MS = 200;
const POLL_MAX_MS = 5_000;

/** A job as the server tells of it; undefined when no job of this id was ever accepted. */
export async function findJob(
  connection: Connection,
  jobId: string,
  signal?: AbortSignal,
): Promise<JobMetadata | undefined> {
  const { client, options } = connection;
  const job = client.job(jobId, options.location === undefined ? {} : { location: options.location });
  try {
    return await bounded(
      connection,
      `job ${jobId}`,
      { timeoutMs: options.timeoutMs, ...(signal && { signal }) },
      async () => {
        const [metadata] = (await job.getMetadata()) as [JobMetadata, ...unknown[]];
        return metadata;
      },
    );
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'missing') return undefined;
    throw error;
  }
}

/** Waits until a job has ended, whatever its end. Failed looks are repeated: the caller's deadline bounds them. */
export async function waitForJob(
  connection: Connection,
  job: JobMetadata,
  jobId: string,
  signal: AbortSignal,
): Promise<JobMetadata> {
  let seen = job;
  for (
    let delayMs = POLL_MIN_MS;
    seen.status?.state !== 'DONE';
    delayMs = Math.min(delayMs * 1.5, POLL_MAX_MS)
  ) {
    await sleep(delayMs, undefined, { signal });
    try {
      seen = (await findJob(connection, jobId, signal)) ?? seen;
    } catch (error) {
      if (!isRetryable(error) || signal.aborted) throw error;
    }
  }
  return seen;
}

/**
 * Makes sure that one job of this id exists: an id that is taken (409) is a job made before, and a request whose answer was
 * lost is asked about before it counts as failed.
 */
export async function submitOnce(
  connection: Connection,
  jobId: string,
  signal: AbortSignal,
  submit: () => Promise<JobMetadata>,
): Promise<JobMetadata> {
  try {
    return await submit();
  } catch (thrown) {
    const error = requestError(`${connection.url}: job ${jobId}`, connection.url, thrown);
    // Without a status it is no refusal: the library also throws for a job that was made and has failed at once.
    const refused = error.status !== undefined && error.code !== 'conflict' && !isRetryable(error);
    if (signal.aborted || refused) throw error;
    const found = await findJob(connection, jobId, signal).catch(() => undefined);
    if (found !== undefined) return found;
    throw error;
  }
}

/** The errors of a job that has ended, the deciding one first; none when it succeeded. */
export function errorsOf(job: JobMetadata): readonly JobError[] {
  const { errorResult, errors = [] } = job.status ?? {};
  return errorResult === undefined || errorResult === null ? [] : [errorResult, ...errors];
}

/** Throws what a failed job means; nothing for one that succeeded. */
export function assertSucceeded(
  connection: Connection,
  what: string,
  job: JobMetadata,
  invalid: ErrorCode,
): void {
  const errors = errorsOf(job);
  if (errors.length > 0) throw jobError(`${connection.url}: ${what}`, connection.url, errors, invalid);
}

/** Rows a load job added. */
export function outputRows(job: JobMetadata): number {
  return Number(job.statistics?.load?.outputRows ?? 0);
}
