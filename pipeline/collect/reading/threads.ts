import { Worker } from 'node:worker_threads';
import { type ErrorCode, SamovarError } from '../../errors.ts';
import { type Block, blocksOf } from './blocks.ts';
import type { BuildReaders, BuildReading, ReadBuild } from './contract.ts';
import type { Answer, Ask, Failure } from './messages.ts';

/** One reading thread, as the asking one sees it. */
interface Thread {
  /** Builds under way. */
  load: number;
  ask(message: Ask, give?: readonly ArrayBuffer[]): void;
  /** The answer that belongs to a number; rejects when the thread ends before. */
  answer(kind: Answer['kind'], id: number): Promise<Answer>;
  end(): Promise<void>;
}

const YOUNG_MB = 6;

/** The thread's script as it is built; where sources run as they are there is none. */
export const THREAD = new URL(new URL('./thread.ts', import.meta.url).href.replace(/ts$/, 'js'));

/**
 * Readers on threads of their own, started with the first build: parsing and packing, which is most of the work there is, leaves the
 * thread that talks to buckets and database. A thread that dies fails its builds, which are read again another time, and is replaced.
 */
export function threadReaders(count: number, script: URL = THREAD): BuildReaders {
  const threads: (Thread | undefined)[] = Array.from({ length: count }, () => undefined);
  let closed = false;
  let next = 0;
  const pick = (): Thread => {
    let best = 0;
    for (const [index, thread] of threads.entries())
      if ((thread?.load ?? 0) < (threads[best]?.load ?? 0)) best = index;
    const found = threads[best];
    if (found !== undefined) return found;
    const started = startThread(script, () => {
      if (threads[best] === started) threads[best] = undefined;
    });
    threads[best] = started;
    return started;
  };
  return {
    count,
    begin: () => {
      if (closed) throw new SamovarError('aborted', 'reading has ended');
      return createReading(pick(), () => {
        next += 1;
        return next;
      });
    },
    close: async () => {
      closed = true;
      await Promise.all(threads.map((thread) => thread?.end()));
    },
  };
}

function createReading(thread: Thread, nextId: () => number): BuildReading {
  const build = nextId();
  thread.load += 1;
  const done = () => {
    thread.load -= 1;
  };
  return {
    read: async (file, body) => {
      const id = nextId();
      let begins: typeof file | undefined = file;
      let taken: Promise<unknown> | undefined;
      const send = async ({ bytes, last }: Block) => {
        // One block is being read while the next one comes.
        await taken;
        taken = thread.answer('taken', id).then(checked);
        taken.catch(() => undefined);
        thread.ask({ kind: 'block', build, id, begins, bytes, last }, [bytes.buffer as ArrayBuffer]);
        begins = undefined;
      };
      try {
        for await (const block of blocksOf(body)) await send(block);
        await taken;
      } catch (error) {
        if (begins === undefined) thread.ask({ kind: 'drop', build, id });
        throw error;
      }
    },
    finish: async (head): Promise<ReadBuild> => {
      try {
        const made = thread.answer('made', build);
        thread.ask({ kind: 'finish', build, head });
        const { result } = checked(await made) as Extract<Answer, { kind: 'made' }>;
        if (result === undefined) throw new SamovarError('internal', 'a thread made nothing of a build');
        return result;
      } finally {
        done();
      }
    },
    discard: () => {
      thread.ask({ kind: 'discard', build });
      done();
    },
  };
}

function checked(answer: Answer): Answer {
  if (answer.failed !== undefined) throw errorOf(answer.failed);
  return answer;
}

function errorOf({ code, message, stack }: Failure): SamovarError {
  const cause = new Error(message);
  if (stack !== undefined) cause.stack = stack;
  return new SamovarError(code as ErrorCode, message, { cause });
}

function startThread(script: URL, onEnd: () => void): Thread {
  const worker = new Worker(script, {
    // Nothing of this process's surroundings is its business.
    env: {},
    execArgv: [],
    // What is read of a file is gone with it: a large nursery only takes memory, 50 MB a thread, and no less time.
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  const waiting = new Map<string, { resolve: (answer: Answer) => void; reject: (error: unknown) => void }>();
  let dead: SamovarError | undefined;
  // It must not keep a process that is done otherwise.
  worker.unref();
  const die = (cause: unknown) => {
    if (dead !== undefined) return;
    dead = new SamovarError('unavailable', 'a reading thread has ended; its builds are read again', {
      cause,
    });
    onEnd();
    for (const { reject } of waiting.values()) reject(dead);
    waiting.clear();
  };
  worker.on('message', (answer: Answer) => {
    const key = `${answer.kind} ${answer.kind === 'made' ? answer.build : answer.id}`;
    const asked = waiting.get(key);
    waiting.delete(key);
    if (waiting.size === 0) worker.unref();
    asked?.resolve(answer);
  });
  worker.on('error', die);
  worker.on('exit', (code) => die(new Error(`exit ${code}`)));
  return {
    load: 0,
    ask: (message, give = []) => worker.postMessage(message, [...give]),
    answer: (kind, id) =>
      new Promise((resolve, reject) => {
        if (dead !== undefined) return reject(dead);
        worker.ref();
        waiting.set(`${kind} ${id}`, { resolve, reject });
      }),
    end: async () => {
      await worker.terminate();
    },
  };
}
