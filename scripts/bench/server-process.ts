import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RequestKind } from './gcs-answers.ts';

export interface ServerSource {
  /** A corpus of this many builds … */
  readonly corpus?: { readonly builds: number; readonly seed: number; readonly anchorMs: number };
  /** … or directories by the names of the buckets they stand for. */
  readonly directories?: Readonly<Record<string, string>>;
  readonly latencyMs?: number;
}

export type RequestCounts = Partial<Record<RequestKind, number>>;

export interface ServedTotals {
  /** Folders with a started.json. */
  readonly builds: number;
  /** Bytes of all JUnit files. */
  readonly xmlBytes: number;
}

export interface BenchServer {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** Requests since the last call, by kind. */
  takeCounts(): Promise<RequestCounts>;
  /** What the buckets hold. */
  totals(): Promise<ServedTotals>;
  setLatency(latencyMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the bucket server in a process of its own and waits until it listens. It ends with this process, whatever happens. */
export async function startServer(source: ServerSource): Promise<BenchServer> {
  const script = fileURLToPath(new URL('./gcs-server.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...argumentsOf(source)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const first = await Promise.race([once(child.stdout, 'data'), exited.then(() => undefined)]);
  if (first === undefined)
    throw new Error(`the bench server ended before it listened (exit ${child.exitCode})`);
  const { port } = JSON.parse(String(first[0])) as { port: number };
  const endpoint = `http://127.0.0.1:${port}`;
  const post = (path: string) => fetch(`${endpoint}/bench/${path}`, { method: 'POST' });
  return {
    endpoint,
    takeCounts: async () => ((await (await post('reset')).json()) as { counts: RequestCounts }).counts,
    totals: async () =>
      ((await (await fetch(`${endpoint}/bench/counts`)).json()) as { totals: ServedTotals }).totals,
    setLatency: async (latencyMs) => void (await post(`latency?ms=${latencyMs}`)),
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function argumentsOf({ corpus, directories, latencyMs }: ServerSource): readonly string[] {
  return [
    ...(corpus === undefined
      ? []
      : [
          '--builds',
          String(corpus.builds),
          '--seed',
          String(corpus.seed),
          '--anchor-ms',
          String(corpus.anchorMs),
        ]),
    ...Object.entries(directories ?? {}).flatMap(([name, dir]) => ['--dir', `${name}=${dir}`]),
    '--latency',
    String(latencyMs ?? 0),
  ];
}
