import { type BucketRoot, findRoot } from '../config/buckets.ts';
import { describeError, SamovarError } from '../errors.ts';
import { parseDocument } from '../records/json.ts';
import { rawChunks } from '../records/raw.ts';
import type { BuildRecord } from '../store/builds.ts';
import type { Store } from '../store/open.ts';
import { type JunitFile, parseJunit } from './junit.ts';
import { makeRow } from './row.ts';

const PAGE = 100;
const RAW_BYTES_MAX = 1 << 30;

export interface RowlessContext {
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly onRow?: () => void;
}

export interface RowlessOptions {
  readonly roots: readonly BucketRoot[];
  /** JUnit was asked for: builds whose files could not be read wait for them. */
  readonly junit: boolean;
  /** … but not longer than this. */
  readonly giveUpMs: number;
}

/** Makes the rows of stored builds that have none, from stored XML and without a request: after an upgrade from Kettle. */
export async function makeMissingRows(context: RowlessContext, options: RowlessOptions): Promise<void> {
  const { store } = context;
  let after = 0;
  while (!context.signal.aborted) {
    const page = store.builds.rowless(after, PAGE);
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.id;
    for (const build of page) {
      const waits =
        build.junit === 'pending' && options.junit && context.nowMs() - build.firstSeenAt < options.giveUpMs;
      if (!waits && (await makeOne(store, build, options.roots))) context.onRow?.();
    }
  }
}

async function makeOne(store: Store, build: BuildRecord, roots: readonly BucketRoot[]): Promise<boolean> {
  try {
    const root = findRoot(roots, build.path);
    const files: Omit<JunitFile, 'raw'>[] = [];
    for (const name of store.junit.rawNames(build.id)) files.push(await readStored(store, build.id, name));
    const started = build.startedJson === null ? undefined : parseDocument(Buffer.from(build.startedJson));
    const finished = parseDocument(Buffer.from(build.finishedJson ?? '{}'));
    const row = await makeRow({
      path: build.path,
      jobPrefix: root?.prefix ?? '',
      started,
      finished,
      files: files.map(({ tests }) => tests),
    });
    store.transaction(() => {
      store.rows.put({ ...row, build: build.id });
      if (files.length > 0)
        store.junit.putFiles(
          build.id,
          files.map(({ record }) => record),
        );
      store.deadLetters.resolve('row', build.path);
    });
    return true;
  } catch (error) {
    const code = error instanceof SamovarError ? error.code : 'internal';
    const letter = {
      kind: 'row',
      subject: build.path,
      job: build.job,
      build: build.build,
      code,
      reason: describeError(error),
    } as const;
    store.transaction(() => store.deadLetters.add(letter));
    return false;
  }
}

async function readStored(store: Store, build: number, name: string): Promise<Omit<JunitFile, 'raw'>> {
  const raw = store.junit.raw(build, name);
  if (raw === undefined) throw new SamovarError('missing', `the raw file ${name} is gone`);
  return parseJunit(name, rawChunks(raw.encoding, raw.data, RAW_BYTES_MAX));
}
