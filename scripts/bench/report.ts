import { cpus, totalmem } from 'node:os';
import { medianOf, short } from './statistics.ts';

/** One timed run of one side. Figures that do not apply are left out. */
export interface Run {
  /** `make-db` */
  readonly work: string;
  /** `samovar`, `kettle cpython` … */
  readonly side: string;
  readonly wallS: number;
  readonly cpuS?: number | undefined;
  readonly rssBytes?: number | undefined;
  readonly builds?: number;
  readonly rows?: number;
  readonly xmlBytes?: number;
  readonly outBytes?: number;
  readonly dbBytes?: number;
  readonly requests?: Readonly<Record<string, number>>;
  readonly failed?: string;
}

/** Every run of a bench, with what it was run on. */
export interface BenchResult {
  readonly bench: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly node: string;
  };
  readonly runs: readonly Run[];
  readonly notes: readonly string[];
}

export function machine(): BenchResult['machine'] {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
  };
}

const COLUMNS: readonly { readonly title: string; readonly figure: (run: Run) => number | undefined }[] = [
  { title: 'wall s', figure: (run) => run.wallS },
  { title: 'CPU s', figure: (run) => run.cpuS },
  { title: 'peak RSS MB', figure: (run) => run.rssBytes && run.rssBytes / 1e6 },
  { title: 'builds/s', figure: (run) => run.builds && run.builds / run.wallS },
  { title: 'XML MB/s', figure: (run) => run.xmlBytes && run.xmlBytes / 1e6 / run.wallS },
  { title: 'rows/s', figure: (run) => run.rows && run.rows / run.wallS },
  { title: 'out MB/s', figure: (run) => run.outBytes && run.outBytes / 1e6 / run.wallS },
  {
    title: 'requests',
    figure: (run) => run.requests && Object.values(run.requests).reduce((sum, count) => sum + count, 0),
  },
  { title: 'DB B/build', figure: (run) => run.dbBytes && run.builds && run.dbBytes / run.builds },
];

/** Medians of each side side by side, ours with its ratio to each other side's wall time. */
export function reportText(result: BenchResult): string {
  const { cpu, cores, memoryBytes, node } = result.machine;
  const works = [...new Set(result.runs.map(({ work }) => work))];
  const rows = works.flatMap((work) => workRows(result.runs.filter((run) => run.work === work)));
  const requests = result.runs.filter((run) => run.requests !== undefined && run.failed === undefined);
  const kinds = new Map(requests.map((run) => [`${run.work}, ${run.side}`, run.requests ?? {}]));
  return [
    `${result.bench} ${JSON.stringify(result.options)}`,
    `${cores} × ${cpu}, ${short(memoryBytes / 1e9)} GB, Node ${node}`,
    '',
    ...aligned([['work', 'side', ...COLUMNS.map(({ title }) => title), 'n', 'times faster'], ...rows]),
    '',
    ...[...kinds].map(
      ([run, counts]) =>
        `requests (${run}): ${Object.entries(counts)
          .map(([kind, count]) => `${kind} ${count}`)
          .join(', ')}`,
    ),
    ...result.notes,
  ].join('\n');
}

function workRows(runs: readonly Run[]): readonly (readonly string[])[] {
  const good = runs.filter(({ failed }) => failed === undefined);
  const ours = medianOf(
    good.filter(({ side }) => side === 'samovar'),
    (run) => run.wallS,
  );
  return [...new Set(runs.map(({ side }) => side))].map((side) => {
    const own = good.filter((run) => run.side === side);
    const wall = medianOf(own, (run) => run.wallS);
    const ratio =
      side === 'samovar' || ours === undefined || wall === undefined ? '' : `${short(wall / ours)}×`;
    const failure = runs.find((run) => run.side === side && run.failed !== undefined)?.failed;
    return [
      runs[0]?.work ?? '',
      side,
      ...COLUMNS.map(({ figure }) => short(medianOf(own, figure))),
      String(own.length),
      failure === undefined ? ratio : `failed: ${failure}`,
    ];
  });
}

/** Columns of a table; the first two are words. */
export function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}
