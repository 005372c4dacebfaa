import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInserts, type InsertFaults, noInsertFaults } from './bigquery-inserts.ts';
import { readParts } from './bigquery-rows.ts';
import { type Answer, createStore, problem, type StoreFaults } from './bigquery-store.ts';
import { type StorageWriteFake, startStorageWriteFake } from './storage-write-fake.ts';

/** What goes wrong next; each counts down as it happens. */
export interface BigQueryFaults extends StoreFaults, InsertFaults {
  /** New jobs are made, then the connection is cut before the answer. */
  lostAnswers: number;
  /** Looks at jobs answered with 503 after each lost answer. */
  unavailableAfterLoss: number;
  /** New jobs are refused with 503, nothing made. */
  unavailable: number;
  /** Looks at jobs are answered with 503. */
  unavailablePolls: number;
  /** Never answers a request whose method and path match. */
  silent: RegExp | undefined;
}

export interface BigQueryFake {
  readonly endpoint: string;
  /** The Storage Write API on the same tables: `127.0.0.1:port`, without TLS. */
  readonly storageWriteEndpoint: string;
  readonly storageWrite: StorageWriteFake;
  readonly faults: BigQueryFaults;
  /** `POST /bigquery/v2/...`, in the order they came. */
  readonly requests: readonly string[];
  /** Authorization headers seen. */
  readonly authorizations: ReadonlySet<string>;
  stop(): Promise<void>;
}

/** A strict BigQuery of one project and dataset, in memory: its limits hold, unlike an emulator's. */
export async function startBigQueryFake(): Promise<BigQueryFake> {
  const faults: BigQueryFaults = {
    lostAnswers: 0,
    unavailableAfterLoss: 0,
    unavailable: 0,
    unavailablePolls: 0,
    silent: undefined,
    runningPolls: 0,
    jobErrors: [],
    loadsBefore: 0,
    streaming: new Set(),
    ...noInsertFaults(),
  };
  const requests: string[] = [];
  const authorizations = new Set<string>();
  const store = createStore(faults);
  const inserts = createInserts(faults, store.tableOf);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://fake');
    const line = `${request.method} ${pathname}`;
    requests.push(line);
    authorizations.add(request.headers.authorization ?? '');
    if (faults.silent?.test(line) === true) return;
    void readBody(request)
      .then((body) =>
        reply(request, response, faults, () => {
          const table = /\/tables\/([^/]+)\/insertAll$/.exec(pathname)?.[1];
          return table === undefined
            ? route(store, request, pathname, body)
            : inserts.insertAll(decodeURIComponent(table), body);
        }),
      )
      .catch(() => response.destroy());
  });
  // Google keeps a connection for minutes; Node's five seconds are less than a busy machine may let a test wait between two calls.
  server.keepAliveTimeout = 240_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const storageWrite = await startStorageWriteFake(store.tableOf);
  const stop = async () => {
    await storageWrite.stop();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    storageWriteEndpoint: storageWrite.endpoint,
    storageWrite,
    faults,
    requests,
    authorizations,
    stop,
  };
}

function reply(
  request: IncomingMessage,
  response: ServerResponse,
  faults: BigQueryFaults,
  work: () => Answer,
): void {
  const makesJob = request.method === 'POST' && /\/jobs(?:\?|$)/.test(request.url ?? '');
  const isInsert = /\/insertAll(?:\?|$)/.test(request.url ?? '');
  const looksAtJob = request.method === 'GET' && /\/jobs\//.test(request.url ?? '');
  if (makesJob && faults.unavailable > 0) {
    faults.unavailable -= 1;
    send(response, problem(503, 'backendError', 'try again'));
  } else if (looksAtJob && faults.unavailablePolls > 0) {
    faults.unavailablePolls -= 1;
    send(response, problem(503, 'backendError', 'try again'));
  } else {
    const answer = work();
    if (isInsert && answer.status === 200 && faults.lostInserts > 0) {
      faults.lostInserts -= 1;
      response.destroy();
    } else if (isInsert && faults.silentInserts > 0) {
      faults.silentInserts -= 1;
    } else if (!makesJob || faults.lostAnswers === 0) send(response, answer);
    else {
      faults.lostAnswers -= 1;
      faults.unavailablePolls += faults.unavailableAfterLoss;
      response.destroy();
    }
  }
}

function route(
  store: ReturnType<typeof createStore>,
  request: IncomingMessage,
  pathname: string,
  body: Buffer,
): Answer {
  const [, kind, name] = /\/(tables|jobs|queries)(?:\/([^/]+))?$/.exec(pathname) ?? [];
  const id = decodeURIComponent(name ?? '');
  const what = `${request.method} ${kind}${name === undefined ? '' : '/…'}`;
  const json = () => JSON.parse(body.toString()) as unknown;
  if (what === 'POST jobs' && pathname.startsWith('/upload/')) {
    const { job, content } = readParts(request.headers['content-type'] ?? '', body);
    return store.insertJob(job, content);
  }
  if (what === 'POST jobs') return store.insertJob(json(), undefined);
  if (what === 'GET jobs/…') return store.getJob(id);
  if (what === 'GET queries/…') return store.getResult(id);
  if (what === 'GET tables/…') return store.getTable(id);
  if (what === 'POST tables') return store.insertTable(json());
  if (what === 'PATCH tables/…') return store.patchTable(id, json(), request.headers['if-match']);
  return problem(501, 'notImplemented', `${what} is not here`);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const isPage = typeof body === 'string';
  const type = isPage ? 'text/html; charset=UTF-8' : 'application/json';
  response.writeHead(status, { 'content-type': type }).end(isPage ? body : JSON.stringify(body));
}
