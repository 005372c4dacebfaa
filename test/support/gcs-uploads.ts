import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './gcs-faults.ts';
import { md5Of, type PutExtra, resourceOf, type StoredBucket } from './gcs-store.ts';

interface UploadRequest {
  readonly method: string;
  readonly bucketName: string;
  readonly bucket: StoredBucket;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly endpoint: string;
  readonly checksPreconditions: boolean;
}

interface Session {
  readonly query: URLSearchParams;
  readonly resource: ObjectFields;
  readonly chunks: Buffer[];
}

interface ObjectFields {
  readonly name?: string;
  readonly md5Hash?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** objects.insert as the storage client sends it: multipart in one request, or resumable in chunks. */
export function createUploads(): (request: UploadRequest) => Answer {
  const sessions = new Map<string, Session>();
  return (request) => {
    const { query, method, body, headers } = request;
    const uploadId = query.get('upload_id');
    if (method === 'PUT' && uploadId !== null) {
      const session = sessions.get(uploadId);
      return session === undefined ? failure(404, 'no such upload') : takeChunk(request, session);
    }
    if (query.get('uploadType') === 'resumable') {
      const id = `upload-${sessions.size + 1}`;
      const resource = JSON.parse(body.toString() || '{}') as ObjectFields;
      const contentType = headers['x-upload-content-type'];
      sessions.set(id, {
        query,
        resource: { ...resource, ...(typeof contentType === 'string' ? { contentType } : {}) },
        chunks: [],
      });
      const location = `${request.endpoint}/upload/storage/v1/b/${request.bucketName}/o?uploadType=resumable&upload_id=${id}`;
      return { status: 200, headers: { location }, body: Buffer.alloc(0) };
    }
    if (query.get('uploadType') !== 'multipart')
      return failure(400, `uploadType ${query.get('uploadType')} is not known here`);
    const parts = splitMultipart(body, headers['content-type'] ?? '');
    const [first, second] = parts;
    if (first === undefined || second === undefined)
      return failure(400, `${parts.length} parts instead of 2`);
    return insert(request, query, JSON.parse(first.toString()) as ObjectFields, second);
  };
}

/** A chunk of a resumable upload: `bytes 0-99/*` asks for more, `bytes 100-199/200` ends it. */
function takeChunk(request: UploadRequest, session: Session): Answer {
  const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(request.headers['content-range'] ?? '');
  if (range === null) return failure(400, `Content-Range ${request.headers['content-range']}`);
  const have = session.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (range[1] !== undefined && Number(range[1]) !== have)
    return failure(400, `chunk at ${range[1]}, expected ${have}`);
  session.chunks.push(request.body);
  const total = have + request.body.length;
  if (range[3] === '*' || Number(range[3]) !== total) {
    return { status: 308, headers: { range: `bytes=0-${total - 1}` }, body: Buffer.alloc(0) };
  }
  return insert(request, session.query, session.resource, Buffer.concat(session.chunks));
}

function insert(request: UploadRequest, query: URLSearchParams, fields: ObjectFields, bytes: Buffer): Answer {
  const name = query.get('name') ?? fields.name;
  if (name === undefined || name === '') return failure(400, 'Required: name');
  if (fields.md5Hash !== undefined && fields.md5Hash !== md5Of(bytes))
    return failure(400, 'Provided MD5 hash does not match');
  const wanted = query.get('ifGenerationMatch');
  const found = request.bucket.objects.get(name)?.generation ?? '0';
  if (request.checksPreconditions && wanted !== null && wanted !== found) {
    return failure(412, 'At least one of the pre-conditions you specified did not hold.');
  }
  const extra: PutExtra = {
    ...(fields.contentType === undefined ? {} : { contentType: fields.contentType }),
    ...(fields.contentEncoding === undefined ? {} : { contentEncoding: fields.contentEncoding }),
    ...(fields.metadata === undefined ? {} : { metadata: fields.metadata }),
  };
  return json(200, resourceOf(request.bucketName, request.bucket.put(name, bytes, extra)));
}

/** Bodies of the parts of a multipart/related message, their headers cut off. */
function splitMultipart(body: Buffer, contentType: string): Buffer[] {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1] ?? 'none';
  const parts: Buffer[] = [];
  let at = body.indexOf(`--${boundary}`);
  for (;;) {
    const next = body.indexOf(`\r\n--${boundary}`, at);
    if (at < 0 || next < 0) return parts;
    const start = body.indexOf('\r\n\r\n', at) + 4;
    // A part without bytes ends where its headers do: the boundary's line break may be theirs.
    parts.push(body.subarray(start, Math.max(start, next)));
    at = next + 2;
  }
}

export function json(status: number, value: unknown): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: Buffer.from(JSON.stringify(value)),
  };
}

export function failure(status: number, message: string): Answer {
  return json(status, {
    error: { code: status, message, errors: [{ message, domain: 'global', reason: `status${status}` }] },
  });
}
