import type { Build } from './build.ts';
import { type Child, type ChildOptions, type ChildRun, startChild } from './child.ts';
import type { FaultOptions } from './options.ts';

/** What every part of the harness works with. */
export interface Bench {
  readonly build: Build;
  readonly options: FaultOptions;
  /** Epoch milliseconds: what builds' times are counted back from, the same in all cases. */
  readonly nowMs: number;
  /** A new folder, gone at the end. */
  newFolder(name: string): string;
  /** Gone now, unless folders of failures are kept and this is one. */
  dropFolder(folder: string, failed: boolean): void;
  log(text: string): void;
  /** A case that cannot be here, and what it needs. */
  skipped(text: string): void;
}

/** Rows of a table as they are: the path, and a hash of all that is in the row. */
export interface FoundRow {
  readonly path: string;
  readonly content: string;
}

export type TableRows = ReadonlyMap<string, readonly FoundRow[]>;

/** One place where the command can run: its folder, configuration and servers. */
export interface World {
  readonly folder: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly db: string;
  /** What the warehouse has, asked by this process. */
  rows(): Promise<TableRows>;
  /** Something is still on its way: another run is needed. */
  unfinished?(): boolean;
  /** False: it is not rows of builds that are written, and no ledger is kept of them. */
  readonly hasLedger?: boolean;
  /** What else must not be when all is done. */
  problems?(): readonly string[];
  close(): Promise<void>;
}

/** A way through the pipeline that is gone through again and again, each time in a new world. */
export interface Scenario {
  /** `batch file -> DuckDB` */
  readonly name: string;
  /** What it needs and has not got. */
  readonly skip?: () => string | undefined;
  prepare(bench: Bench): Promise<Prepared>;
}

export interface Prepared {
  /** Paths each table must have, known without the pipeline. */
  readonly expected: ReadonlyMap<string, readonly string[]>;
  /** Of what must have another content in the end than it had before. */
  readonly rewritten?: { readonly paths: readonly string[]; readonly before: TableRows };
  /** How long one run may take. */
  readonly boundMs: number;
  open(): Promise<World>;
  close(): Promise<void>;
}

export function startIn(
  bench: Bench,
  world: World,
  boundMs: number,
  more: { readonly env?: Readonly<Record<string, string>> } & Pick<ChildOptions, 'sampleMs'> = {},
): Child {
  const { env, ...rest } = more;
  return startChild(bench.build, world.args, {
    cwd: world.folder,
    env: { ...world.env, ...env },
    boundMs,
    ...rest,
  });
}

export function runIn(...given: Parameters<typeof startIn>): Promise<ChildRun> {
  return startIn(...given).ended;
}
