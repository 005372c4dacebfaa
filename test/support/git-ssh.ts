import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const SSHD = '/usr/sbin/sshd';
const TRIES_MAX = 200;
const DELAY_MS = 50;

export interface GitSshServer {
  readonly port: number;
  readonly user: string;
  /** Private key that the server knows. */
  readonly keyPath: string;
  /** File with the server's own key. */
  readonly knownHosts: string;
  stop(): Promise<void>;
}

export function sshdOrSkip(): { readonly skip: string } | undefined {
  return existsSync(SSHD) ? undefined : { skip: 'needs sshd: Debian has it in openssh-server' };
}

/** OpenSSH's server on a free port of this machine; it lets this process's own user in, by one key. */
export async function startGitSsh(folder: string): Promise<GitSshServer> {
  // What sshd goes into before anybody has logged in; it insists, when it is root.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keyOf = (name: string) => {
    const path = join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
    return path;
  };
  const [host, keyPath] = [keyOf('host'), keyOf('client key')];
  const authorized = join(folder, 'authorized_keys');
  writeFileSync(authorized, readFileSync(`${keyPath}.pub`), { mode: 0o600 });
  const port = await freePort();
  const config = join(folder, 'sshd_config');
  writeFileSync(
    config,
    [
      ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey "${host}"`, 'PidFile none', 'UsePAM no'],
      ...[`AuthorizedKeysFile "${authorized}"`, 'PasswordAuthentication no', 'PermitRootLogin yes'],
      ...['KbdInteractiveAuthentication no', 'StrictModes no', 'LogLevel ERROR'],
      '',
    ].join('\n'),
  );
  const child = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await listening(port, child, () => said);
  const knownHosts = join(folder, 'known hosts');
  const [type, key] = readFileSync(`${host}.pub`, 'utf8').split(' ');
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${type} ${key}\n`);
  chmodSync(knownHosts, 0o600);
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, 'exit');
  };
  return { port, user: userInfo().username, keyPath, knownHosts, stop };
}

async function listening(port: number, child: ChildProcess, said: () => string): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (child.exitCode !== null) break;
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await sleep(DELAY_MS);
  }
  child.kill();
  throw new Error(`sshd did not start: ${said()}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
