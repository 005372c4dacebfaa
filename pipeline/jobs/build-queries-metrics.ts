import type { Bucket } from '../backends/bucket/contract.ts';
import type { Warehouse } from '../backends/warehouse/contract.ts';
import { describeError, SamovarError } from '../errors.ts';
import { METRIC_QUERIES } from '../queries/index.ts';
import { metricFiles } from '../queries/metrics.ts';
import { ROWS_MAX, runBuildQuery } from './build-queries.ts';

export interface MetricsRequest {
  readonly warehouse: Pick<Warehouse, 'dialect' | 'tableName' | 'query'>;
  readonly bucket: Pick<Bucket, 'write'>;
  /** Ends in a slash, or is empty. */
  readonly prefix: string;
  readonly table: string;
  readonly job?: string | undefined;
  /** Asks, and writes nothing. */
  readonly dryRun: boolean;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** Before each is asked for. */
  readonly onMetric?: (name: string) => void;
}

export interface MetricWritten {
  readonly metric: string;
  readonly rows: number;
  /** Names of the objects; those that would be, in a dry run. */
  readonly files: readonly string[];
  /** Why there are none. */
  readonly problem: string | null;
}

/**
 * Asks the ten and writes what Kubernetes' metrics job publishes. One that fails keeps none of the others from being written; its
 * files of before stay. The latest file comes last, so that a stop leaves it whole and older.
 */
export async function writeMetrics(request: MetricsRequest): Promise<readonly MetricWritten[]> {
  const written: MetricWritten[] = [];
  for (const query of METRIC_QUERIES) {
    const { table, job, nowMs, warehouse, signal } = request;
    request.onMetric?.(query.name);
    try {
      const asked = { query, table, job, limit: ROWS_MAX, nowMs };
      const { rows } = await runBuildQuery(warehouse, asked, signal);
      const files = metricFiles(query, rows, nowMs);
      if (!request.dryRun) for (const file of files) await writeFile(request, file.name, file.text);
      const names = files.map(({ name }) => `${request.prefix}${name}`);
      written.push({ metric: query.name, rows: rows.length, files: names, problem: null });
    } catch (error) {
      if (signal.aborted || !(error instanceof SamovarError)) throw error;
      written.push({ metric: query.name, rows: 0, files: [], problem: describeError(error) });
    }
  }
  return written;
}

async function writeFile(
  { bucket, prefix, signal }: MetricsRequest,
  name: string,
  text: string,
): Promise<void> {
  await bucket.write(`${prefix}${name}`, Buffer.from(text), { contentType: 'application/json', signal });
}
