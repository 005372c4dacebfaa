import { createRequire } from 'node:module';
import type * as Library from '@google-cloud/storage';
import { SamovarError } from '../../errors.ts';
import type {
  Bucket,
  BucketDriverOptions,
  CallOptions,
  ListOptions,
  ListPage,
  ObjectStream,
  ReadOptions,
  ReadResult,
  RequestEvent,
} from './contract.ts';
import { ANONYMOUS, createCredentials } from './gs-auth.ts';
import { decodeBody, decodeStream } from './gs-body.ts';
import { type GsContext, report } from './gs-context.ts';
import { statusError } from './gs-errors.ts';
import { createHttpClient, type HttpAnswer } from './gs-http.ts';
import { listQuery, parseListPage } from './gs-list.ts';
import { remove, upload } from './gs-upload.ts';

const GOOGLE = 'https://storage.googleapis.com';
/** A listing of 5,000 names of 1,024 bytes, with room to spare. */
const LIST_BYTES_MAX = 64 * 1024 * 1024;

/**
 * A bucket of Google Cloud Storage, or of another server that speaks its JSON API. The storage client finds and renews
 * credentials and does uploads; lists and reads, of which there are millions, go to the same API over undici (a tenth of
 * the CPU). Nothing is sent before the first call.
 */
export function openGsBucket(name: string, url: string, options: BucketDriverOptions): Bucket {
  const endpoint = endpointOf(url, options);
  const trusted = endpoint.protocol === 'https:' && /(^|\.)googleapis\.com$/.test(endpoint.hostname);
  let made: Library.Storage | undefined;
  const storage = () => {
    made ??= createStorage(options, trusted);
    return made;
  };
  const context: GsContext = {
    url,
    name,
    storage,
    credentials: options.anonymous || !trusted ? ANONYMOUS : createCredentials(storage().authClient, url),
    http: createHttpClient(endpoint.origin, options),
    objectsPath: `${endpoint.pathname.replace(/\/+$/, '')}/storage/v1/b/${encodeURIComponent(name)}/o`,
    options,
  };
  return {
    url,
    list: (prefix, call = {}) => list(context, prefix, call),
    read: (object, call = {}) => read(context, object, call),
    stream: (object, call = {}) => stream(context, object, call),
    write: (object, bytes, call = {}) => upload(context, object, bytes, call),
    remove: (object, call = {}) => remove(context, object, call),
    close: () => context.http.close(),
  };
}

/** Google's, or what a user names: `http://host:port`, an emulator's `host:port` as the storage client takes it. */
function endpointOf(url: string, { endpoint = GOOGLE }: BucketDriverOptions): URL {
  const named = /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`;
  if (URL.canParse(named)) return new URL(named);
  throw new SamovarError('config', `${url}: the endpoint ${endpoint} is no URL`, {
    subject: url,
    remedy: 'Give it as http://host:port or https://host.',
  });
}

/** `trusted`: tokens may go there. An emulator, or whatever else a user names, never sees one. */
function createStorage({ endpoint }: BucketDriverOptions, trusted: boolean): Library.Storage {
  const { Storage } = createRequire(import.meta.url)('@google-cloud/storage') as typeof Library;
  // The project is of no use to object calls; naming one keeps the library from running gcloud to find it.
  const storage = new Storage({
    projectId: 'unused',
    retryOptions: { autoRetry: false },
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint }),
  });
  storage.useAuthWithCustomEndpoint = trusted;
  return storage;
}

async function list(context: GsContext, prefix: string, call: ListOptions): Promise<ListPage> {
  const subject = `${context.url}/${prefix}`;
  const path = `${context.objectsPath}?${listQuery(prefix, call)}`;
  const answer = await get(context, 'list', path, subject, { ...call, bytesMax: LIST_BYTES_MAX });
  if (answer.status !== 200) throw refusal(context, subject, answer);
  return parseListPage(await decodeBody(answer, subject, LIST_BYTES_MAX), subject, prefix, call);
}

async function read(
  context: GsContext,
  name: string,
  call: ReadOptions,
): Promise<ReadResult | 'unchanged' | undefined> {
  const subject = `${context.url}/${name}`;
  const unless =
    call.unlessGeneration === undefined
      ? ''
      : `&ifGenerationNotMatch=${encodeURIComponent(call.unlessGeneration)}`;
  // What is sent may be a little larger than what it decodes to, when gzip did not help.
  const sentMax =
    call.bytesMax === undefined ? {} : { bytesMax: call.bytesMax + 1024 + Math.ceil(call.bytesMax / 1000) };
  const answer = await get(context, 'read', `${mediaPath(context, name)}${unless}`, subject, {
    ...call,
    ...sentMax,
  });
  if (answer.status === 404) return undefined;
  if (answer.status === 304) return 'unchanged';
  if (answer.status !== 200) throw refusal(context, subject, answer);
  const generation = generationOf(answer, subject);
  if (generation === call.unlessGeneration) return 'unchanged';
  const updatedMs = Date.parse(answer.headers['last-modified'] ?? '');
  const bytes = await decodeBody(answer, subject, call.bytesMax);
  return { bytes, generation, ...(Number.isNaN(updatedMs) ? {} : { updatedMs }) };
}

async function stream(
  context: GsContext,
  name: string,
  call: CallOptions,
): Promise<ObjectStream | undefined> {
  const subject = `${context.url}/${name}`;
  const started = performance.now();
  const timeoutMs = call.timeoutMs ?? context.options.timeoutMs;
  const headers = await requestHeaders(context, timeoutMs);
  const request = { path: mediaPath(context, name), headers, timeoutMs, subject };
  const event = (status: number, bytes: number) =>
    report(context, { kind: 'read', status, bytes, durationMs: performance.now() - started });
  const answer = await context.http
    .open({ ...request, ...(call.signal === undefined ? {} : { signal: call.signal }) })
    .catch((error) => {
      event(0, 0);
      throw error;
    });
  if (answer.status !== 200) {
    const bytes = Buffer.from(await answer.body.text().catch(() => ''));
    event(answer.status, bytes.length);
    if (answer.status === 404) return undefined;
    throw refusal(context, subject, { ...answer, bytes });
  }
  try {
    const generation = generationOf(answer, subject);
    return { generation, body: decodeStream(answer, subject, timeoutMs, (bytes) => event(200, bytes)) };
  } catch (error) {
    answer.body.on('error', () => {}).destroy();
    throw error;
  }
}

async function get(
  context: GsContext,
  kind: RequestEvent['kind'],
  path: string,
  subject: string,
  call: CallOptions & { readonly bytesMax?: number },
): Promise<HttpAnswer> {
  const timeoutMs = call.timeoutMs ?? context.options.timeoutMs;
  const headers = await requestHeaders(context, timeoutMs);
  const started = performance.now();
  const event = (status: number, bytes: number) =>
    report(context, { kind, status, bytes, durationMs: performance.now() - started });
  try {
    const answer = await context.http.get({
      path,
      headers,
      timeoutMs,
      subject,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
      ...(call.bytesMax === undefined ? {} : { bytesMax: call.bytesMax }),
    });
    event(answer.status, answer.bytes.length);
    return answer;
  } catch (error) {
    event(0, 0);
    throw error;
  }
}

/** Google compresses JSON only for agents that say gzip twice; objects stored compressed then come as they are stored. */
async function requestHeaders(context: GsContext, timeoutMs: number): Promise<Record<string, string>> {
  const authorization = await context.credentials.headers(timeoutMs);
  return { ...authorization, 'accept-encoding': 'gzip', 'user-agent': 'samovar (gzip)' };
}

function mediaPath(context: GsContext, name: string): string {
  try {
    return `${context.objectsPath}/${encodeURIComponent(name)}?alt=media`;
  } catch (cause) {
    const subject = `${context.url}/${name}`;
    throw new SamovarError(
      'refused',
      `${subject}: no object has such a name, it is not well-formed Unicode`,
      { subject, cause },
    );
  }
}

function generationOf(answer: Pick<HttpAnswer, 'headers'>, subject: string): string {
  const generation = answer.headers['x-goog-generation'];
  if (typeof generation === 'string' && generation !== '') return generation;
  const message = `${subject}: could not be read, the server answered 200 without x-goog-generation, so this is not the object`;
  throw new SamovarError('unavailable', message, {
    subject,
    status: 200,
    remedy: 'Is there a proxy in between?',
  });
}

function refusal(context: GsContext, subject: string, { status, headers, bytes }: HttpAnswer): SamovarError {
  const gzipped = headers['content-encoding'] === 'gzip';
  return statusError(subject, status, {
    headers,
    body: gzipped ? '' : bytes.toString('utf8'),
    anonymous: context.credentials.anonymous(),
  });
}
