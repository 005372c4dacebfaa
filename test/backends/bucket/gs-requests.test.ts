import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../../pipeline/backends/bucket/index.ts';
import { type GcsRequest, type GcsServer, startGcsServer } from '../../support/gcs-server.ts';

/**
 * The documented query parameters, by what their values look like. Source: Cloud Storage JSON API v1 reference, methods
 * objects.list, objects.get and objects.insert, and "Standard query parameters" (alt, fields).
 */
const TEXT = /^.+$/s;
const INTEGER = /^\d+$/;
const FIELDS = /^[\w,()/*]+$/;
const DOCUMENTED: Readonly<Record<GcsRequest['kind'], Readonly<Record<string, RegExp>>>> = {
  list: {
    prefix: TEXT,
    delimiter: TEXT,
    startOffset: TEXT,
    endOffset: TEXT,
    matchGlob: TEXT,
    pageToken: TEXT,
    maxResults: INTEGER,
    includeTrailingDelimiter: /^(true|false)$/,
    includeFoldersAsPrefixes: /^(true|false)$/,
    versions: /^(true|false)$/,
    softDeleted: /^(true|false)$/,
    projection: /^(full|noAcl)$/,
    filter: TEXT,
    fields: FIELDS,
    alt: /^json$/,
    userProject: TEXT,
  },
  read: {
    generation: INTEGER,
    ifGenerationMatch: INTEGER,
    ifGenerationNotMatch: INTEGER,
    ifMetagenerationMatch: INTEGER,
    ifMetagenerationNotMatch: INTEGER,
    projection: /^(full|noAcl)$/,
    alt: /^(json|media)$/,
    fields: FIELDS,
    userProject: TEXT,
  },
  write: {
    uploadType: /^(media|multipart|resumable)$/,
    name: TEXT,
    ifGenerationMatch: INTEGER,
    ifGenerationNotMatch: INTEGER,
    ifMetagenerationMatch: INTEGER,
    ifMetagenerationNotMatch: INTEGER,
    contentEncoding: TEXT,
    kmsKeyName: TEXT,
    predefinedAcl: TEXT,
    projection: /^(full|noAcl)$/,
    upload_id: TEXT,
    userProject: TEXT,
    alt: /^json$/,
    fields: FIELDS,
  },
};

let server: GcsServer;
let bucket: Bucket;

beforeEach(async () => {
  server = await startGcsServer({
    objects: { 'some-bucket/logs/job/1/started.json': '{}', 'some-bucket/logs/job/2/started.json': '{}' },
  });
  bucket = openBucket('gs://some-bucket', { timeoutMs: 5000, connections: 2, endpoint: server.endpoint });
});

afterEach(async () => {
  await bucket.close();
  await server.close();
});

describe('gs: requests as documented', () => {
  it('sends nothing but documented parameters, with values of their kinds, from every call', async () => {
    const all = {
      startOffset: 'logs/job/1/',
      endOffset: 'logs/z',
      matchGlob: '**/*.json',
      metadata: true,
      pageSize: 1,
    };
    const page = await bucket.list('logs/', all);
    await bucket.list('logs/', { ...all, delimited: true, pageToken: page.nextPageToken ?? 'missing' });
    await bucket.list('');
    const generation = await bucket.write('new', Buffer.from('x'), {
      ifGeneration: '0',
      contentType: 'text/plain',
      metadata: { a: 'b' },
    });
    await bucket.write('big', Buffer.alloc(17 * 1024 * 1024));
    await bucket.read('new');
    await bucket.read('new', { unlessGeneration: generation });
    for await (const _ of (await bucket.stream('new'))?.body ?? []);
    expect(server.requests).toEqual({ list: 3, read: 3, write: expect.any(Number) });
    for (const { kind, query } of server.log) {
      for (const [name, value] of query)
        expect(value, `${kind}: ${name}`).toMatch(DOCUMENTED[kind][name] ?? /^undocumented$/);
    }
  });

  it('asks a list for what it needs and no more', async () => {
    await bucket.list('logs/job/', { delimited: true, startOffset: 'logs/job/2/' });
    expect(Object.fromEntries(server.log[0]?.query ?? [])).toEqual({
      prefix: 'logs/job/',
      delimiter: '/',
      startOffset: 'logs/job/2/',
      maxResults: '5000',
      fields: 'nextPageToken,prefixes,items(name,size,generation,updated)',
    });
    expect(server.log[0]?.headers).toMatchObject({
      'accept-encoding': 'gzip',
      'user-agent': expect.stringContaining('gzip'),
    });
  });

  it('reads by media, and leaves the comparing of generations to the server', async () => {
    await bucket.read('logs/job/1/started.json', { unlessGeneration: '17' });
    expect(server.log[0]).toMatchObject({ method: 'GET', object: 'logs/job/1/started.json' });
    expect(Object.fromEntries(server.log[0]?.query ?? [])).toEqual({
      alt: 'media',
      ifGenerationNotMatch: '17',
    });
  });

  it('uploads small objects in one request and large ones in chunks, with a hash the server checks', async () => {
    await bucket.write('small', Buffer.from('small'), {
      ifGeneration: '0',
      contentType: 'text/plain',
      metadata: { link: 'x' },
    });
    expect(server.log.map(({ query }) => Object.fromEntries(query))).toEqual([
      { uploadType: 'multipart', name: 'small', ifGenerationMatch: '0' },
    ]);
    expect(server.get('some-bucket/small')).toMatchObject({
      contentType: 'text/plain',
      metadata: { link: 'x' },
    });
    await bucket.write('large', Buffer.alloc(20 * 1024 * 1024, 'x'), { ifGeneration: '0' });
    expect(server.log.slice(1).map(({ method, query }) => `${method} ${query.get('uploadType')}`)).toEqual([
      'POST resumable',
      'PUT resumable',
      'PUT resumable',
      'PUT resumable',
    ]);
    expect(server.get('some-bucket/large')?.bytes).toHaveLength(20 * 1024 * 1024);
  });

  it('sends no credentials to a server that is not Google', async () => {
    await bucket.list('');
    await bucket.read('a');
    await bucket.write('a', Buffer.from('x'));
    for (const { headers } of server.log) expect(headers.authorization).toBeUndefined();
  });
});
