import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { PackedRow } from '../../pipeline/records/chunk.ts';
import { packRow } from '../../pipeline/records/chunk.ts';
import { rowVersion } from '../../pipeline/records/row.ts';
import type { SavedBuild } from '../../pipeline/store/builds.ts';
import { openStore, type Store } from '../../pipeline/store/open.ts';

export const NOW_MS = Date.parse('2026-11-20T12:00:00Z');

let counter = 0;

/** A real database in a folder, closed with the test. */
export function testStore(folder: string, nowMs: () => number = () => NOW_MS): Store {
  counter += 1;
  const store = openStore(join(folder, `store-${counter}.db`), { nowMs });
  onTestFinished(() => store.close());
  return store;
}

/** A finished build without anything special; `over` says what matters to the test. */
export function savedBuild(over: Partial<SavedBuild> = {}): SavedBuild {
  const build = over.build ?? '100';
  const job = over.job ?? 'ci-job';
  return {
    path: `gs://bucket/logs/${job}/${build}`,
    root: 1,
    job,
    build,
    state: 'complete',
    junit: 'done',
    startedJson: '{"timestamp": 1}',
    finishedJson: '{"timestamp": 2, "result": "SUCCESS"}',
    finishedGeneration: '1',
    finishedAt: NOW_MS / 1000 - 3600,
    ...over,
  };
}

/** Stores a build with a row whose line is given (or made up), and gives its id. */
export async function addRow(
  store: Store,
  over: Partial<SavedBuild> = {},
  line?: string,
): Promise<{ id: number; packed: PackedRow; line: string }> {
  const build = savedBuild({ root: store.cursors.rootId('gs://bucket/logs/'), ...over });
  const text = line ?? `${JSON.stringify({ finished: build.finishedAt, path: build.path, test: [] })}\n`;
  const packed = await packRow(Buffer.from(text));
  const id = store.transaction(() => {
    const saved = store.builds.save(build);
    store.rows.put({
      build: saved,
      version: rowVersion(Buffer.from(text)),
      ...packed,
      testsStart: 0,
      testsEnd: 0,
      testsRun: 0,
      testsFailed: 0,
      truncated: null,
    });
    return saved;
  });
  return { id, packed, line: text };
}
