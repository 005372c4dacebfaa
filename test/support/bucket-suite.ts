import { expect, it } from 'vitest';
import type {
  Bucket,
  ListOptions,
  ObjectStream,
  ReadResult,
} from '../../pipeline/backends/bucket/contract.ts';
import { listAll } from '../../pipeline/backends/bucket/list-all.ts';
import { SamovarError } from '../../pipeline/errors.ts';

/** Names that look like something else to URLs, shells, globs or sorting. */
export const HOSTILE = [
  'h/#hash',
  'h/a b',
  'h/q?x=1&y=2',
  'h/100%2F',
  'h/plus+',
  'h/it\'s "quoted"',
  'h/日本語',
  'h/\u{1f525}fire',
  'h/\uffee-wide',
  'h/ü;,:@=$',
];

/** 2,500 builds of one job, in order. */
export const BUILDS = Object.fromEntries(
  Array.from({ length: 2500 }, (_, i) => [`many/${String(i).padStart(5, '0')}/finished.json`, `{"n":${i}}`]),
);

/** The test itself, or where there is a gap, a test that it fails. */
export function promised(gap: string | undefined): (title: string, test: () => Promise<void>) => void {
  return (title, test) =>
    gap === undefined ? it(title, test) : it.fails(`not here (${gap}): ${title}`, test);
}

export async function all(bucket: Bucket, prefix: string, options: ListOptions = {}) {
  const names: string[] = [];
  const prefixes: string[] = [];
  let pages = 0;
  for await (const page of listAll(bucket, prefix, options)) {
    pages += 1;
    names.push(...page.objects.map(({ name }) => name));
    prefixes.push(...page.prefixes);
  }
  return { names, prefixes, pages };
}

export async function readOf(bucket: Bucket, name: string): Promise<ReadResult> {
  const read = await bucket.read(name);
  if (read === undefined || read === 'unchanged') throw new Error(`${name}: ${read}`);
  return read;
}

export async function streamOf(bucket: Bucket, name: string): Promise<ObjectStream> {
  const stream = await bucket.stream(name);
  if (stream === undefined) throw new Error(`${name} is not there`);
  return stream;
}

export async function collected(stream: ObjectStream): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function text(read: ReadResult | 'unchanged' | undefined): string {
  return typeof read === 'object' ? Buffer.from(read.bytes).toString() : String(read);
}

export function byBytes(names: readonly string[]): string[] {
  return names
    .map((name) => Buffer.from(name))
    .sort(Buffer.compare)
    .map(String);
}

export async function expectCode(promise: Promise<unknown>, code: string): Promise<void> {
  const error = await promise.then(
    (value) => new Error(`succeeded with ${String(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SamovarError);
  expect(error).toMatchObject({ code });
}
