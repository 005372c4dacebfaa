import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { type BigQueryFake, startBigQueryFake } from '../../support/bigquery-fake.ts';
import { appendSpec } from '../../support/warehouse-files.ts';

/** Credentials that cannot be read: whoever looks for them fails. */
const NO_CREDENTIALS = {
  GOOGLE_APPLICATION_CREDENTIALS: 'no-such-file.json',
  METADATA_SERVER_DETECTION: 'none',
};

/** Opens a place in a process of its own; what it said, once it has ended by itself. */
async function openInProcess(options: object): Promise<{ readonly code: unknown; readonly said: string }> {
  const program = `
    const { openWarehouse } = await import('./pipeline/backends/warehouse/index.ts');
    const options = { timeoutMs: 10_000, loadTimeoutMs: 10_000, ...${JSON.stringify(options)} };
    const warehouse = await openWarehouse('bigquery:fake-project:fake', options);
    const appender = warehouse.appender('storage-write');
    const table = ${JSON.stringify(appendSpec('builds'))};
    try {
      const place = await appender.open(table);
      const row = { line: Buffer.from('{"path":"a"}'), key: 'a', version: 1, writtenMs: 0 };
      await appender.append({ table, place, rows: [appender.encode(table, row)] });
      console.log('appended');
    } catch (error) {
      console.log(error.code, error.remedy);
    }
    await warehouse.close();`;
  const child = spawn('npx', ['tsx', '--input-type=module', '-e', program], {
    env: { ...process.env, ...NO_CREDENTIALS },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const [code] = await once(child, 'close');
  return { code, said };
}

describe('a process that appends by the Storage Write API', () => {
  let server: BigQueryFake;
  beforeAll(async () => {
    server = await startBigQueryFake();
    const { endpoint } = server;
    const options = { timeoutMs: 5_000, loadTimeoutMs: 5_000, endpoint };
    await (await openWarehouse('bigquery:fake-project:fake', options)).ensureTable(appendSpec('builds'));
  });
  afterAll(() => server.stop());

  it('looks for no credentials where the server is the user’s own, and ends once it is closed', async () => {
    const { endpoint, storageWriteEndpoint } = server;
    const { code, said } = await openInProcess({ endpoint, storageWriteEndpoint });
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('appended') });
  });

  it('without credentials is denied by name, and does not die of it', async () => {
    const { code, said } = await openInProcess({});
    expect({ code, said }).toEqual({
      code: 0,
      said: expect.stringMatching(/^denied Set GOOGLE_APPLICATION_CREDENTIALS/m),
    });
  });
});
