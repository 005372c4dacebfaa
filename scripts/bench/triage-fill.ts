import { makeRow } from '../../pipeline/collect/row.ts';
import { packRowSync } from '../../pipeline/records/chunk.ts';
import type { Store } from '../../pipeline/store/open.ts';
import type { KnownBuild } from './triage-corpus.ts';

const BUILDS_PER_TRANSACTION = 500;

/** Stores builds with their rows as a collector would, numbered from `first` on. */
export async function fillStore(store: Store, builds: Iterable<KnownBuild>, first = 1): Promise<number> {
  const root = store.cursors.rootId('gs://bench/logs/');
  let number = first;
  let batch: Awaited<ReturnType<typeof prepared>>[] = [];
  const flush = () =>
    store.transaction(() => {
      for (const { saved, row } of batch)
        store.rows.put({ ...row, build: store.builds.save({ ...saved, root }) });
      batch = [];
    });
  for (const build of builds) {
    batch.push(await prepared(build, number));
    number += 1;
    if (batch.length === BUILDS_PER_TRANSACTION) flush();
  }
  flush();
  return number;
}

/** The build under its path: one of the same number becomes a newer version of it. */
async function prepared({ job, finishedS, failures }: KnownBuild, number: number) {
  const path = `gs://bench/logs/${job}/${number}`;
  const finished = { timestamp: finishedS, result: failures.length > 0 ? 'FAILURE' : 'SUCCESS' };
  const tests = failures.map(({ test, text }) => ({
    name: test,
    failed: true as const,
    failure_text: text,
  }));
  const input = { path, jobPrefix: '', started: undefined, finished, files: [tests] };
  const saved = {
    path,
    job,
    build: String(number),
    state: 'complete' as const,
    junit: 'done' as const,
    startedJson: null,
    finishedJson: JSON.stringify(finished),
    finishedGeneration: '1',
    finishedAt: finishedS,
  };
  return { saved, row: await makeRow(input, async (line) => packRowSync(line)) };
}
