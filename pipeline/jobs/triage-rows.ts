import { SamovarError } from '../errors.ts';
import { unpackRow } from '../records/chunk.ts';
import type { RowTest } from '../records/row-tests.ts';
import type { RowStore, StoredRow } from '../store/rows.ts';
import type { TriageBuild, TriageStore } from '../store/triage.ts';

const PAGE_BUILDS = 200;

export interface RowFailures {
  /** As the row names the job. */
  readonly job: string;
  readonly failures: readonly { readonly test: string; readonly text: string }[];
}

/** Builds whose present row was not read yet, page by page, oldest first. */
export function* unreadPages(store: TriageStore, sinceS: number): Generator<readonly TriageBuild[]> {
  for (let after: TriageBuild | undefined; ; ) {
    const page = store.unread(sinceS, after, PAGE_BUILDS);
    if (page.length === 0) return;
    yield page;
    after = page.at(-1);
  }
}

/** The failed tests of a build's row. Undefined when the row went away, or is damaged: other builds are none the worse. */
export function failuresOf(
  rows: Pick<RowStore, 'get'>,
  build: TriageBuild,
  onDamaged: (path: string, error: unknown) => void,
): RowFailures | undefined {
  if (build.testsFailed === 0) return { job: build.job, failures: [] };
  const row = rows.get(build.id);
  if (row === undefined) return undefined;
  try {
    return readRow(row);
  } catch (error) {
    onDamaged(build.path, error);
    return undefined;
  }
}

function readRow(row: StoredRow): RowFailures {
  const line = unpackRow(row.data, row.bytes);
  // The tests apart from what is around them: one of the two may be large.
  const head = parse(`${line.toString('utf8', 0, row.testsStart)}${line.toString('utf8', row.testsEnd)}`) as {
    readonly job?: unknown;
  };
  const tests = parse(`[${line.toString('utf8', row.testsStart, row.testsEnd)}]`) as readonly RowTest[];
  return {
    job: String(head.job ?? ''),
    failures: tests
      .filter(({ failed }) => failed === true)
      .map(({ name, failure_text = '' }) => ({ test: name, text: failure_text })),
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new SamovarError('malformed', 'a stored row is no JSON', { cause });
  }
}
