import { stat } from 'node:fs/promises';
import type { JobMetadata } from '@google-cloud/bigquery';
import { SamovarError } from '../../errors.ts';
import type { Connection } from './bigquery-client.ts';
import { assertSucceeded, findJob, outputRows, submitOnce, waitForJob } from './bigquery-jobs.ts';
import { baseName } from './bigquery-tables.ts';
import { upload } from './bigquery-upload.ts';
import type { LoadRequest } from './contract.ts';
import { checkFileBytes } from './limits.ts';
import { checkFile, isGzip } from './lines.ts';
import { checkColumn, checkJobId } from './names.ts';

/** Keys in one DELETE: a request of some megabytes at most. */
const KEYS_PER_DELETE = 10_000;

/** Rows that the job of this id loaded, by this call or an earlier one. */
export async function loadFile(
  connection: Connection,
  request: LoadRequest,
  signal: AbortSignal,
): Promise<number> {
  const { jobId, file, table } = request;
  const what = `loading ${file} into ${table.name}`;
  // Asked first: a job that exists needs no upload, and its older rows are gone already.
  let job = await findJob(connection, jobId, signal);
  if (job === undefined) {
    await checkUpload(file);
    if (!request.replace && request.superseded.length > 0) {
      // Rows that BigQuery would refuse must show before older ones are removed for them.
      await checkFile(file, table.schema, { signal });
      await removeSuperseded(connection, request, signal);
    }
    job = await submitOnce(connection, jobId, signal, () => upload(connection, request, signal));
  }
  const ended = await waitForJob(connection, job, jobId, signal);
  assertSucceeded(connection, what, ended, 'malformed');
  return outputRows(ended);
}

async function checkUpload(file: string): Promise<void> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new SamovarError('missing', `${file}: there is no such file`, { subject: file, cause });
  });
  checkFileBytes(found.size, isGzip(file), file);
}

/** Removes older rows of the given keys, in jobs whose ids follow from the load's: asked again, they are not done again. */
async function removeSuperseded(
  connection: Connection,
  request: LoadRequest,
  signal: AbortSignal,
): Promise<void> {
  const { place, client, options } = connection;
  const { table, superseded } = request;
  const name = `\`${place.project}.${place.dataset}.${baseName(table.name)}\``;
  const query = `DELETE FROM ${name} WHERE CAST(\`${checkColumn(table.key)}\` AS STRING) IN UNNEST(@keys)`;
  for (let from = 0; from < superseded.length; from += KEYS_PER_DELETE) {
    const jobId = checkJobId(`${request.jobId}_supersede${from === 0 ? '' : `_${from / KEYS_PER_DELETE}`}`);
    const keys = superseded.slice(from, from + KEYS_PER_DELETE);
    const job = await submitOnce(connection, jobId, signal, async () => {
      const place = options.location === undefined ? {} : { location: options.location };
      const [made] = await client.createQueryJob({
        query,
        params: { keys },
        types: { keys: ['STRING'] },
        jobId,
        ...place,
      });
      return made.metadata as JobMetadata;
    });
    const ended = await waitForJob(connection, job, jobId, signal);
    assertSucceeded(connection, `removing older rows from ${table.name}`, ended, 'refused');
  }
}
