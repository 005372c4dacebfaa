import { SamovarError } from '../errors.ts';
import { unpackRow } from '../records/chunk.ts';
import type { RowTest } from '../records/row-tests.ts';
import type { RowStore, StoredRow } from '../store/rows.ts';
import type { TriageBuild, TriageStore } from '../store/triage.ts';

const PAGE_BUILDS = 200;

/** A build as it was read, from wherever. */
export interface ReadBuild {
  readonly path: string;
  readonly version: number;
  readonly job: string;
  /** Epoch seconds. */
  readonly finishedAt: number;
  readonly failures: readonly { readonly test: string; readonly text: string }[];
}

interface RowFailures {
  /** As the row names the job. */
  readonly job: string;
  readonly failures: ReadBuild['failures'];
}

export interface RowReading {
  readonly rows: Pick<RowStore, 'get'>;
  readonly onDamaged: (path: string, error: unknown) => void;
}

/** Builds whose present row was not read yet, page by page, oldest first. */
export function* rowPages(
  store: TriageStore,
  { rows, onDamaged }: RowReading,
  sinceS: number,
): Generator<readonly ReadBuild[]> {
  for (let after: TriageBuild | undefined; ; ) {
    const page = store.unread(sinceS, after, PAGE_BUILDS);
    if (page.length === 0) return;
    yield page.map((build) => ({
      path: build.path,
      version: build.version,
      finishedAt: build.finishedAt,
      // A damaged row counts as read: it would be no better the next time.
      ...(failuresOf(rows, build, onDamaged) ?? { job: build.job, failures: [] }),
    }));
    after = page.at(-1);
  }
}

/** The failed tests of a build's row. Undefined when the row went away, or is damaged: other builds are none the worse. */
function failuresOf(
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
