import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { JobMetadata } from '@google-cloud/bigquery';
import type { Connection } from './bigquery-client.ts';
import type { LoadRequest } from './contract.ts';

const GOOGLE = 'https://bigquery.googleapis.com';

/**
 * Sends a file as one load job, by the API's multipart upload, with the library's credentials. Not by the library's own upload:
 * that has no deadline, cannot be given up (its connection stays open and keeps the process alive), and its public form goes on
 * to poll the job, where a failure is an unhandled rejection. Throws errors in the library's shape.
 */
export async function upload(
  connection: Connection,
  request: LoadRequest,
  signal: AbortSignal,
): Promise<JobMetadata> {
  const { client, place, options } = connection;
  const url = `${options.endpoint ?? GOOGLE}/upload/bigquery/v2/projects/${place.project}/jobs?uploadType=multipart`;
  const boundary = `samovar-${createHash('sha256').update(request.jobId).digest('hex').slice(0, 40)}`;
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      ...Object.fromEntries((await client.authClient.getRequestHeaders(url)).entries()),
      'content-type': `multipart/related; boundary=${boundary}`,
    },
    body: parts(request, jobOf(connection, request), boundary),
    duplex: 'half',
    signal,
  });
  const text = await answer.text();
  if (!answer.ok) throw answerError(answer.status, text);
  return JSON.parse(text) as JobMetadata;
}

function jobOf({ place, options }: Connection, { table, jobId, replace }: LoadRequest): unknown {
  const { project: projectId, dataset: datasetId } = place;
  return {
    jobReference: { projectId, jobId, ...(options.location !== undefined && { location: options.location }) },
    configuration: {
      load: {
        destinationTable: { projectId, datasetId, tableId: table.name },
        sourceFormat: 'NEWLINE_DELIMITED_JSON',
        // The table's own schema holds, so that columns only the table has stay.
        createDisposition: 'CREATE_NEVER',
        writeDisposition: replace ? 'WRITE_TRUNCATE' : 'WRITE_APPEND',
        maxBadRecords: 0,
        ignoreUnknownValues: false,
      },
    },
  };
}

async function* parts({ file }: LoadRequest, job: unknown, boundary: string): AsyncGenerator<Buffer> {
  const head = `--${boundary}\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(job)}\r\n`;
  yield Buffer.from(`${head}--${boundary}\r\nContent-Type: application/octet-stream\r\n\r\n`);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 })) yield chunk as Buffer;
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
}

/** As the library throws them: the status, the errors with their reasons, and a message. */
function answerError(status: number, text: string): Error {
  let error: { readonly message?: string; readonly errors?: readonly unknown[] } | undefined;
  try {
    error = (JSON.parse(text) as { readonly error?: typeof error }).error;
  } catch {
    // Not from BigQuery itself: some proxy's page.
  }
  return Object.assign(new Error(error?.message ?? text.slice(0, 300)), {
    code: status,
    errors: error?.errors,
  });
}
