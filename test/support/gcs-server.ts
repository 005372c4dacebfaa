import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type Answer, type Fault, falsify, send } from './gcs-faults.ts';
import { type Ignored, listAnswer } from './gcs-list.ts';
import {
  createStoredBucket,
  type PutExtra,
  resourceOf,
  type StoredBucket,
  type StoredObject,
} from './gcs-store.ts';
import { createUploads, failure, json } from './gcs-uploads.ts';

export type { Fault } from './gcs-faults.ts';

export interface GcsRequest {
  readonly kind: 'list' | 'read' | 'write';
  readonly method: string;
  readonly bucket: string;
  /** Absent for lists. */
  readonly object?: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

export interface GcsServerOptions {
  /** By `bucket/object`. */
  readonly objects?: Readonly<Record<string, string | Uint8Array>>;
  /** Decides what goes wrong with a request, the n-th of its kind from 1 on. */
  readonly faults?: (request: GcsRequest, n: number) => Fault | undefined;
  /** Time before every answer. */
  readonly latencyMs?: number;
  readonly ignores?: readonly Ignored[];
  /** Largest page, whatever is asked for; Google gives 1,000. */
  readonly pageSizeMax?: number;
}

export interface GcsServer {
  /** `http://127.0.0.1:port`, for the driver's `endpoint`. */
  readonly endpoint: string;
  /** Names are `bucket/object`; a bucket exists once something was put into it, and stays. Gives the generation. */
  put(name: string, bytes: string | Uint8Array, extra?: PutExtra): string;
  remove(name: string): void;
  get(name: string): StoredObject | undefined;
  /** Replaces the faults of the options. */
  setFaults(faults: GcsServerOptions['faults']): void;
  /** Counted as they arrive. */
  readonly requests: { list: number; read: number; write: number };
  /** The last 10,000, oldest first. */
  readonly log: readonly GcsRequest[];
  /** Sockets open now. */
  connections(): number;
  close(): Promise<void>;
}

/** Query parameters of the methods served, from the JSON API reference; anything else is a 400, so that a misspelt one shows. */
const COMMON = ['alt', 'fields', 'key', 'prettyPrint', 'quotaUser', 'userProject', 'projection'];
const GENERATION = [
  'generation',
  'ifGenerationMatch',
  'ifGenerationNotMatch',
  'ifMetagenerationMatch',
  'ifMetagenerationNotMatch',
];
const LIST = [
  'prefix',
  'delimiter',
  'startOffset',
  'endOffset',
  'matchGlob',
  'maxResults',
  'pageToken',
  'versions',
  'softDeleted',
];
const INSERT = ['uploadType', 'upload_id', 'name', 'contentEncoding', 'kmsKeyName', 'predefinedAcl'];
const KNOWN = {
  list: new Set([...COMMON, ...LIST, 'includeTrailingDelimiter', 'includeFoldersAsPrefixes', 'filter']),
  read: new Set([...COMMON, ...GENERATION]),
  write: new Set([...COMMON, ...GENERATION, ...INSERT]),
} as const;

/** A strict little Google Cloud Storage in this process, on a port of its own, that can misbehave. */
export async function startGcsServer(options: GcsServerOptions = {}): Promise<GcsServer> {
  const table = createTable(options.objects ?? {});
  const requests = { list: 0, read: 0, write: 0 };
  const log: GcsRequest[] = [];
  let { faults } = options;
  let answerTo: (request: GcsRequest, body: Buffer) => Answer = () => failure(503, 'not yet');
  const handle = async (message: IncomingMessage, response: ServerResponse) => {
    const request = parseRequest(message);
    const body = await readAll(message);
    if (request === undefined)
      return send(response, failure(404, `Nothing is served at ${message.url}`), undefined);
    requests[request.kind] += 1;
    log.push(request);
    if (log.length > 10_000) log.shift();
    const fault = faults?.(request, requests[request.kind]) ?? latency(options.latencyMs ?? 0);
    // A request that fails by its status has no effect; one whose answer is lost has.
    const answer = falsify(fault?.kind === 'status' ? failure(500, '') : answerTo(request, body), fault);
    await send(response, compressed(request, answer), fault);
  };
  const server = createServer((message, response) => {
    handle(message, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });
  const sockets = new Set<unknown>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  answerTo = createAnswers(table.buckets, endpoint, options);
  return {
    endpoint,
    put: table.put,
    remove: table.remove,
    get: table.get,
    setFaults: (next) => {
      faults = next;
    },
    requests,
    log,
    connections: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function latency(ms: number): Fault | undefined {
  return ms > 0 ? { kind: 'latency', ms } : undefined;
}

/** All buckets; objects are named `bucket/object`. */
function createTable(objects: Readonly<Record<string, string | Uint8Array>>) {
  const buckets = new Map<string, StoredBucket>();
  const split = (name: string) => {
    const slash = name.indexOf('/');
    const bucket = buckets.get(name.slice(0, slash)) ?? createStoredBucket();
    buckets.set(name.slice(0, slash), bucket);
    return { bucket, object: name.slice(slash + 1) };
  };
  const put: GcsServer['put'] = (name, bytes, extra) => {
    const { bucket, object } = split(name);
    return bucket.put(object, Buffer.from(bytes), extra).generation;
  };
  const remove: GcsServer['remove'] = (name) => {
    const { bucket, object } = split(name);
    bucket.remove(object);
  };
  const get: GcsServer['get'] = (name) => {
    const { bucket, object } = split(name);
    return bucket.objects.get(object);
  };
  for (const [name, bytes] of Object.entries(objects)) put(name, bytes);
  return { buckets, put, remove, get };
}

function createAnswers(
  buckets: ReadonlyMap<string, StoredBucket>,
  endpoint: string,
  options: GcsServerOptions,
): (request: GcsRequest, body: Buffer) => Answer {
  const { ignores: ignored = [], pageSizeMax = 1000 } = options;
  const ignores = new Set(ignored);
  const checksPreconditions = !ignores.has('preconditions');
  const uploads = createUploads();
  return (request, body) => {
    const odd = [...request.query.keys()].find((name) => !KNOWN[request.kind].has(name));
    if (odd !== undefined) return failure(400, `Unknown parameter: ${odd}`);
    const bucket = buckets.get(request.bucket);
    if (bucket === undefined) return failure(404, 'The specified bucket does not exist.');
    if (request.kind === 'list')
      return json(200, listAnswer(request.bucket, bucket, request.query, { ignores, pageSizeMax }));
    if (request.kind === 'read') return objectAnswer(request, bucket, checksPreconditions);
    if (request.method === 'DELETE') return removeAnswer(request, bucket, checksPreconditions);
    return uploads({ ...request, bucketName: request.bucket, bucket, body, endpoint, checksPreconditions });
  };
}

function parseRequest(message: IncomingMessage): GcsRequest | undefined {
  // Not URL's own pathname: it would resolve the dots of an object's name.
  const [path = '', search = ''] = (message.url ?? '').split('?', 2);
  const match = /^(\/upload)?\/storage\/v1\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(path);
  if (match === null) return undefined;
  const method = message.method ?? 'GET';
  const object = match[3];
  const removes = method === 'DELETE' && object !== undefined && match[1] === undefined;
  const kind = removes || match[1] !== undefined ? 'write' : object === undefined ? 'list' : 'read';
  if ((kind === 'write') === (method === 'GET')) return undefined;
  return {
    kind,
    method,
    bucket: decodeURIComponent(match[2] ?? ''),
    ...(object === undefined ? {} : { object: decodeURIComponent(object) }),
    query: new URLSearchParams(search),
    headers: message.headers,
  };
}

function removeAnswer(request: GcsRequest, bucket: StoredBucket, checksPreconditions: boolean): Answer {
  const object = bucket.objects.get(request.object ?? '');
  if (object === undefined) return failure(404, `No such object: ${request.bucket}/${request.object}`);
  const only = request.query.get('ifGenerationMatch');
  if (checksPreconditions && only !== null && only !== object.generation)
    return failure(412, 'At least one of the pre-conditions you specified did not hold.');
  bucket.remove(object.name);
  return { status: 204, headers: {}, body: Buffer.alloc(0) };
}

function objectAnswer(request: GcsRequest, bucket: StoredBucket, checksPreconditions: boolean): Answer {
  const object = bucket.objects.get(request.object ?? '');
  if (object === undefined) return failure(404, `No such object: ${request.bucket}/${request.object}`);
  const unless = request.query.get('ifGenerationNotMatch');
  if (checksPreconditions && unless === object.generation)
    return { status: 304, headers: {}, body: Buffer.alloc(0) };
  if (request.query.get('alt') !== 'media') return json(200, resourceOf(request.bucket, object));
  const isGzip = object.contentEncoding === 'gzip';
  const takesGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  return {
    status: 200,
    headers: {
      'content-type': object.contentType,
      'x-goog-generation': object.generation,
      'x-goog-metageneration': '1',
      'x-goog-stored-content-length': String(object.bytes.length),
      'x-goog-stored-content-encoding': object.contentEncoding ?? 'identity',
      'last-modified': new Date(object.updatedMs).toUTCString(),
      ...(isGzip && takesGzip ? { 'content-encoding': 'gzip' } : {}),
    },
    body: isGzip && !takesGzip ? gunzipSync(object.bytes) : object.bytes,
  };
}

/** JSON goes out compressed, as Google does, when the agent asks twice: in Accept-Encoding and by its name. */
function compressed(request: GcsRequest, answer: Answer): Answer {
  const asks =
    /gzip/.test(String(request.headers['accept-encoding'])) &&
    /gzip/.test(String(request.headers['user-agent']));
  if (request.kind !== 'list' || !asks || answer.status !== 200) return answer;
  return {
    ...answer,
    headers: { ...answer.headers, 'content-encoding': 'gzip' },
    body: gzipSync(answer.body, { level: 1 }),
  };
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
