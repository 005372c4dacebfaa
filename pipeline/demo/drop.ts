import { finishedFiles } from './build-files.ts';
import { freshBuild } from './schedule.ts';
import { readState } from './state.ts';
import { createWriter } from './write.ts';

const BUILDS = 6;
const EVERY_MS = 300;

export interface DropOptions {
  /** As `makeDemo`'s, which must have made it. */
  readonly dir: string;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Lets some builds finish now, one after the other, as Prow would: for a stream to see. Gives how many. */
export async function dropDemoBuilds({ dir, nowMs, sleep, signal }: DropOptions): Promise<number> {
  const state = await readState(dir);
  if (state === undefined) return 0;
  const writer = createWriter(dir);
  let dropped = 0;
  while (dropped < BUILDS && !signal.aborted) {
    const build = freshBuild(state.seed, nowMs(), dropped);
    await writer.writeFolder(`${build.bucket}/${build.folder}`, finishedFiles(build, state.seed));
    dropped += 1;
    await sleep(EVERY_MS);
  }
  await writer.clean();
  return dropped;
}
