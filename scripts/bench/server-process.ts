import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CorpusSpec } from './corpus/source.ts';
import type { RequestKind } from './gcs-answers.ts';

export interface ServerSource {
  /** A corpus that is made … */
  readonly corpus?: CorpusSpec;
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
  /** The most requests that were ever being answered at once. */
  inFlightMax(): Promise<number>;
  /** What the buckets hold. */
  totals(): Promise<ServedTotals>;
  setLatency(latencyMs: number): Promise<void>;
  /** Makes the builds appear that the corpus hid. */
  reveal(): Promise<void>;
  stop(): Promise<void>;
}

interface Seen {
  readonly totals: ServedTotals;
  readonly inFlightMax: number;
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
  const seen = async () => (await (await fetch(`${endpoint}/bench/counts`)).json()) as Seen;
  const post = (path: string) => fetch(`${endpoint}/bench/${path}`, { method: 'POST' });
  return {
    endpoint,
    takeCounts: async () => ((await (await post('reset')).json()) as { counts: RequestCounts }).counts,
    totals: async () => (await seen()).totals,
    inFlightMax: async () => (await seen()).inFlightMax,
    reveal: async () => void (await post('reveal')),
    setLatency: async (latencyMs) => void (await post(`latency?ms=${latencyMs}`)),
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function argumentsOf({ corpus, directories, latencyMs }: ServerSource): readonly string[] {
  return [
    ...(corpus === undefined ? [] : ['--corpus', JSON.stringify(corpus)]),
    ...Object.entries(directories ?? {}).flatMap(([name, dir]) => ['--dir', `${name}=${dir}`]),
    '--latency',
    String(latencyMs ?? 0),
  ];
}
