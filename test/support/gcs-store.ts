import { createHash } from 'node:crypto';

/** One object as the test server keeps it. */
export interface StoredObject {
  readonly name: string;
  readonly bytes: Buffer;
  readonly generation: string;
  readonly updatedMs: number;
  readonly contentType: string;
  readonly contentEncoding?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export type PutExtra = Partial<
  Pick<StoredObject, 'contentType' | 'contentEncoding' | 'metadata' | 'updatedMs'>
>;

export interface StoredBucket {
  readonly objects: ReadonlyMap<string, StoredObject>;
  /** In the order of their UTF-8 bytes. */
  sortedNames(): readonly string[];
  put(name: string, bytes: Uint8Array, extra?: PutExtra): StoredObject;
  remove(name: string): boolean;
}

/** Generations rise by one from a date of 2024: always new, never random. */
let generationCount = 1_704_067_200_000_000;

export function createStoredBucket(): StoredBucket {
  const objects = new Map<string, StoredObject>();
  let sorted: readonly string[] | undefined;
  return {
    objects,
    sortedNames: () => {
      // Buffers compare by bytes, whatever the driver's own comparison does: this is the independent one.
      sorted ??= [...objects.keys()]
        .map((name) => Buffer.from(name))
        .sort(Buffer.compare)
        .map((name) => name.toString());
      return sorted;
    },
    put: (name, bytes, extra = {}) => {
      generationCount += 1;
      const generation = String(generationCount);
      const object = {
        name,
        bytes: Buffer.from(bytes),
        generation,
        updatedMs: Math.floor(generationCount / 1000),
        contentType: 'application/octet-stream',
        ...extra,
      };
      if (!objects.has(name)) sorted = undefined;
      objects.set(name, object);
      return object;
    },
    remove: (name) => {
      sorted = undefined;
      return objects.delete(name);
    },
  };
}

/** The resource of the JSON API; numbers of 64 bits are strings there. */
export function resourceOf(bucket: string, object: StoredObject): Record<string, unknown> {
  const updated = new Date(object.updatedMs).toISOString();
  return {
    kind: 'storage#object',
    id: `${bucket}/${object.name}/${object.generation}`,
    name: object.name,
    bucket,
    generation: object.generation,
    metageneration: '1',
    contentType: object.contentType,
    storageClass: 'STANDARD',
    size: String(object.bytes.length),
    md5Hash: md5Of(object.bytes),
    etag: `etag-${object.generation}`,
    timeCreated: updated,
    updated,
    ...(object.contentEncoding === undefined ? {} : { contentEncoding: object.contentEncoding }),
    ...(object.metadata === undefined ? {} : { metadata: object.metadata }),
  };
}

export function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('base64');
}
