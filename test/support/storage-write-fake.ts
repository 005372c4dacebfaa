import { createRequire } from 'node:module';
import * as grpc from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import type { Row } from './bigquery-rows.ts';
import type { Table } from './bigquery-store.ts';
import { decodeRow, type Message, type Plan, planOf } from './storage-write-fake-rows.ts';
import { startTcpProxy } from './storage-write-fake-tcp.ts';

/** The documented limit of one request. Written out here: a fake that took it from the driver would agree with its mistakes. */
const REQUEST_BYTES_MAX = 10_000_000;
const SERVICE = 'google.cloud.bigquery.storage.v1.BigQueryWrite';
const { status } = grpc;

/** What goes wrong next; each counts down as it happens. */
export interface WriteFaults {
  /** Rows are taken, then every connection is reset before the answer. */
  lostAppends: number;
  /** Connections are reset before rows are taken. */
  resetAppends: number;
  /** Rows are taken, and no answer is ever sent. */
  stalledAppends: number;
  /** Appends never looked at nor answered. */
  ignoredAppends: number;
  /** Appends answered with a status of their own (INTERNAL), nothing taken. */
  internalAppends: number;
  /** Calls and connections refused with UNAVAILABLE, nothing taken. */
  unavailable: number;
  /** Questions (create, finalize) that are done and never answered. */
  stalledCalls: number;
}

export interface StorageWriteFake {
  /** `127.0.0.1:port`, without TLS. */
  readonly endpoint: string;
  readonly faults: WriteFaults;
  /** `CreateWriteStream`, `AppendRows offset+rows`, `FinalizeWriteStream`, in the order they came. */
  readonly calls: readonly string[];
  /** Values of the authorization header seen. */
  readonly authorizations: ReadonlySet<string>;
  /** Resets every connection. */
  reset(): void;
  stop(): Promise<void>;
}

interface WriteStream {
  readonly table: Table;
  rows: number;
  finalized: boolean;
}

interface AppendRequest {
  readonly writeStream?: string;
  readonly offset?: { readonly value?: string };
  readonly protoRows?: {
    readonly writerSchema?: { readonly protoDescriptor?: Message };
    readonly rows?: { readonly serializedRows: readonly Uint8Array[] };
  };
  readonly bytes: number;
}

interface Refusal {
  readonly code: grpc.status;
  readonly details: string;
}

type Answer = Readonly<Record<string, unknown>>;
type Done = (error: Refusal | null, answer?: Answer) => void;
type Call = grpc.ServerUnaryCall<Readonly<Record<string, unknown>>, Answer>;
type Duplex = grpc.ServerDuplexStream<AppendRequest, Answer>;

/** The Storage Write API's committed streams over the tables of a strict BigQuery, with its rules of offsets and sizes. */
export async function startStorageWriteFake(
  tableOf: (name: string) => Table | undefined,
): Promise<StorageWriteFake> {
  const faults: WriteFaults = {
    lostAppends: 0,
    resetAppends: 0,
    stalledAppends: 0,
    ignoredAppends: 0,
    internalAppends: 0,
    unavailable: 0,
    stalledCalls: 0,
  };
  const calls: string[] = [];
  const authorizations = new Set<string>();
  const streams = new Map<string, WriteStream>();
  const service = { faults, calls, streams, tableOf, reset: () => proxy.reset() };
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  const seen = <T extends { readonly metadata: grpc.Metadata }>(call: T): T => {
    for (const value of call.metadata.get('authorization')) authorizations.add(String(value));
    return call;
  };
  server.addService(definition(), {
    CreateWriteStream: (call: Call, done: Done) =>
      unary(service, 'CreateWriteStream', seen(call), done, create),
    FinalizeWriteStream: (call: Call, done: Done) =>
      unary(service, 'FinalizeWriteStream', seen(call), done, finalize),
    AppendRows: (call: Duplex) => appendRows(service, seen(call)),
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const proxy = await startTcpProxy(port);
  return {
    endpoint: `127.0.0.1:${proxy.port}`,
    faults,
    calls,
    authorizations,
    reset: proxy.reset,
    async stop() {
      await proxy.stop();
      server.forceShutdown();
    },
  };
}

interface Service {
  readonly faults: WriteFaults;
  readonly calls: string[];
  readonly streams: Map<string, WriteStream>;
  readonly tableOf: (name: string) => Table | undefined;
  readonly reset: () => void;
}

function unary(
  service: Service,
  name: string,
  { request }: Call,
  done: Done,
  work: (service: Service, request: Call['request']) => Answer | Refusal,
): void {
  service.calls.push(name);
  const refused = take(service.faults, 'unavailable');
  const answer = refused ? { code: status.UNAVAILABLE, details: 'try again' } : work(service, request);
  if (take(service.faults, 'stalledCalls')) return;
  if (isRefusal(answer)) done(answer);
  else done(null, answer);
}

function create({ streams, tableOf }: Service, request: Call['request']): Answer | Refusal {
  const parent = String(request.parent);
  const name = /^projects\/[^/]+\/datasets\/[^/]+\/tables\/([^/]+)$/.exec(parent)?.[1] ?? '';
  const table = tableOf(name);
  if (table === undefined)
    return { code: status.NOT_FOUND, details: `Requested entity was not found: Table ${name}` };
  const { type } = request.writeStream as { readonly type: string };
  if (type !== 'COMMITTED') return { code: status.UNIMPLEMENTED, details: `${type} streams are not here` };
  const made = `${parent}/streams/Cic${streams.size}`;
  streams.set(made, { table, rows: 0, finalized: false });
  return { name: made, type };
}

function finalize({ streams }: Service, { name }: Call['request']): Answer | Refusal {
  const stream = streams.get(String(name));
  if (stream === undefined)
    return { code: status.NOT_FOUND, details: `Requested entity was not found: ${name}` };
  stream.finalized = true;
  return { rowCount: String(stream.rows) };
}

function appendRows(service: Service, call: Duplex): void {
  const { faults, calls, reset } = service;
  let stream: WriteStream | undefined;
  let plan: Plan | undefined;
  const fail = (code: grpc.status, details: string) => call.emit('error', { code, details });
  call.on('data', (request: AppendRequest) => {
    calls.push(`AppendRows ${request.offset?.value ?? 0}+${request.protoRows?.rows?.serializedRows.length}`);
    if (take(faults, 'ignoredAppends')) return;
    if (take(faults, 'resetAppends')) return reset();
    if (take(faults, 'unavailable')) return fail(status.UNAVAILABLE, 'try again');
    if (take(faults, 'internalAppends')) return call.write(inBand(status.INTERNAL, 'try again'));
    if (request.bytes > REQUEST_BYTES_MAX)
      return fail(
        status.INVALID_ARGUMENT,
        `AppendRows request too large: ${request.bytes} limit ${REQUEST_BYTES_MAX}`,
      );
    stream ??= service.streams.get(request.writeStream ?? '');
    if (stream === undefined)
      return fail(status.NOT_FOUND, `Requested entity was not found: ${request.writeStream}`);
    const message = request.protoRows?.writerSchema?.protoDescriptor;
    try {
      if (message) plan = planOf(message, stream.table.resource.schema.fields);
    } catch (error) {
      return fail(status.INVALID_ARGUMENT, String(error));
    }
    if (plan === undefined) return fail(status.INVALID_ARGUMENT, 'Invalid proto schema: there is none');
    const answer = takeRows(stream, plan, request);
    if ('appendResult' in answer && take(faults, 'lostAppends')) return reset();
    if (take(faults, 'stalledAppends')) return;
    call.write(answer);
  });
  call.on('error', () => undefined);
  call.on('end', () => call.end());
}

/** All rows of a request or none, and only at the end of the stream. */
function takeRows(stream: WriteStream, plan: Plan, { offset, protoRows }: AppendRequest): Answer {
  if (stream.finalized)
    return inBand(status.INVALID_ARGUMENT, 'Stream has been finalized and cannot be appended.');
  const at = offset === undefined ? stream.rows : Number(offset.value ?? 0);
  if (at < stream.rows)
    return inBand(
      status.ALREADY_EXISTS,
      `The offset is within stream, expected offset ${stream.rows}, received ${at}`,
    );
  if (at > stream.rows)
    return inBand(
      status.OUT_OF_RANGE,
      `The offset is beyond stream, expected offset ${stream.rows}, received ${at}`,
    );
  const rows: Row[] = [];
  const rowErrors: unknown[] = [];
  (protoRows?.rows?.serializedRows ?? []).forEach((bytes, index) => {
    try {
      rows.push(decodeRow(plan, bytes));
    } catch (error) {
      rowErrors.push({ index, code: 'FIELDS_ERROR', message: String(error) });
    }
  });
  if (rowErrors.length > 0)
    return { ...inBand(status.INVALID_ARGUMENT, 'Errors found while processing rows.'), rowErrors };
  stream.table.rows.push(...rows);
  stream.rows += rows.length;
  return { appendResult: { offset: { value: String(at) } } };
}

function inBand(code: grpc.status, message: string): Answer {
  return { error: { code, message } };
}

function isRefusal(answer: Answer | Refusal): answer is Refusal {
  return 'code' in answer;
}

function take(faults: WriteFaults, name: keyof WriteFaults): boolean {
  if (faults[name] <= 0) return false;
  faults[name] -= 1;
  return true;
}

/** The service as the shipped protos define it; requests know their size on the wire. */
function definition(): grpc.ServiceDefinition {
  const protos = createRequire(import.meta.url)('@google-cloud/bigquery-storage/build/protos/protos.json');
  const loaded = fromJSON(protos, { longs: String, enums: String, arrays: true, oneofs: true });
  const { AppendRows, ...rest } = loaded[SERVICE] as grpc.ServiceDefinition;
  if (AppendRows === undefined) throw new Error(`${SERVICE} has no AppendRows`);
  const requestDeserialize = (bytes: Buffer) => ({
    ...AppendRows.requestDeserialize(bytes),
    bytes: bytes.length,
  });
  return { ...rest, AppendRows: { ...AppendRows, requestDeserialize } };
}
