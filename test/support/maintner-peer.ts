import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BUILD = 'test/peers/maintner/build';
/** What it exits with where maintner's code could not even be built. */
const CANNOT_BUILD = 3;
const BUILD_TIMEOUT_MS = 15 * 60_000;

export interface Peer {
  /** Runs one of maintner's commands (test/peers/maintner), gives what it printed. */
  run(command: 'disk' | 'bucket', args: readonly string[], more?: PeerOptions): Promise<string>;
}

export interface PeerOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** maintner's own code, or why the suite must be skipped. In CI it is built where there is a Go to build it. */
export function peerOrSkip(): Peer | { readonly skip: string } {
  const found = ask('--path');
  if ('folder' in found) return peerIn(found.folder);
  if (process.env.CI !== 'true' || found.code === CANNOT_BUILD) return { skip: `needs ${found.reason}` };
  const built = ask();
  if ('folder' in built) return peerIn(built.folder);
  throw new Error(`CI must test against maintner's own code: ${built.reason}`);
}

function ask(
  ...args: string[]
): { readonly folder: string } | { readonly code: number | null; readonly reason: string } {
  const asked = spawnSync(BUILD, args, { encoding: 'utf8', timeout: BUILD_TIMEOUT_MS });
  if (asked.status === 0) return { folder: asked.stdout.trim() };
  return { code: asked.status, reason: (asked.stderr ?? '').trim() || `${BUILD}, which gave no answer` };
}

function peerIn(folder: string): Peer {
  return {
    run: (command, args, { input = '', env = {} } = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(join(folder, command), args, { env: { ...process.env, ...env } });
        const chunks: Buffer[] = [];
        let said = '';
        child.stdout.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
        });
        child.stderr.on('data', (chunk: Buffer) => {
          said = (said + chunk.toString('utf8')).slice(-2000);
        });
        child.on('error', reject);
        child.stdin.on('error', () => undefined);
        child.on('close', (code) => {
          if (code === 0) resolve(Buffer.concat(chunks).toString('utf8'));
          else reject(new Error(`maintner's ${command} ${args[0]} ended with ${code}: ${said}`));
        });
        child.stdin.end(input);
      }),
  };
}
