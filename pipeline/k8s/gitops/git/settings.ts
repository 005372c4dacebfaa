import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SamovarError } from '../../../errors.ts';
import type { CommitTexts, GitPlace } from '../config.ts';

/**
 * The configuration file of the clone. All that the bot needs of git stands in it, so that no secret is ever an argument, which
 * anyone on the machine could see. The file is the bot's alone (0600).
 */
export async function gitSettings(
  place: GitPlace,
  { name, email }: Pick<CommitTexts, 'name' | 'email'>,
): Promise<string> {
  const { url, branch } = place;
  return [
    '[core]',
    line('repositoryformatversion', '0'),
    line('bare', 'false'),
    line('autocrlf', 'false'),
    // A link in the repository must not lead an edit out of the clone.
    line('symlinks', 'false'),
    // Hooks of a template would run here.
    line('hooksPath', '/dev/null'),
    // A question would wait for ever.
    line('askPass', 'true'),
    line('sshCommand', sshCommand(place)),
    '[user]',
    line('name', name),
    line('email', email),
    ...(place.signingKeyPath === undefined ? [] : [line('signingKey', resolve(place.signingKeyPath))]),
    '[gpg]',
    line('format', 'ssh'),
    '[commit]',
    line('gpgSign', String(place.signingKeyPath !== undefined)),
    '[gc]',
    line('autoDetach', 'false'),
    '[protocol]',
    line('allow', 'never'),
    ...['https', 'http', 'ssh', 'file'].flatMap((name) => [`[protocol "${name}"]`, line('allow', 'always')]),
    ...(await httpHeader(place)),
    '[remote "origin"]',
    line('url', url),
    line('fetch', `+refs/heads/${branch}:refs/remotes/origin/${branch}`),
    '',
  ].join('\n');
}

async function httpHeader({
  url,
  httpTokenPath,
  httpUser = 'x-access-token',
}: GitPlace): Promise<readonly string[]> {
  if (httpTokenPath === undefined) return [];
  if (!url.startsWith('http'))
    throw new SamovarError('config', 'git.httpTokenPath is of no use: git.url is no https:// one');
  const token = await readToken(httpTokenPath);
  const basic = Buffer.from(`${httpUser}:${token}`).toString('base64');
  // For this server alone: where it sends elsewhere, the header does not go along.
  return [
    `[http "${new URL(url).origin}/"]`,
    line('extraHeader', `Authorization: Basic ${basic}`),
    line('followRedirects', 'false'),
  ];
}

/** Throws `config`. */
export async function readToken(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new SamovarError('config', `a token cannot be read from ${path}`, { subject: path, cause });
  });
  if (/^\S+$/.test(text.trim())) return text.trim();
  throw new SamovarError('config', `${path} does not hold one token`, { subject: path });
}

const SSH_TIMEOUT_SECONDS = 20;

/** Never asks, and trusts no host that it was not told of: where a file of hosts is given, those of that file only. */
function sshCommand({ sshKeyPath, sshKnownhosts }: GitPlace): string {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `ConnectTimeout=${SSH_TIMEOUT_SECONDS}`,
    ...(sshKeyPath === undefined ? [] : [`IdentityFile=${sshPath(sshKeyPath)}`, 'IdentitiesOnly=yes']),
    ...(sshKnownhosts === undefined
      ? []
      : [`UserKnownHostsFile=${sshPath(sshKnownhosts)}`, 'GlobalKnownHostsFile=/dev/null']),
  ];
  return ['ssh', ...options.map((option) => `-o ${shellQuoted(option)}`)].join(' ');
}

/** ssh splits at spaces what is not in quotes, and takes what begins with % for something of its own. */
function sshPath(path: string): string {
  return `"${resolve(path).replaceAll('%', '%%')}"`;
}

/** For the shell that git gives it to. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function line(key: string, value: string): string {
  if (/[\r\n\0]/.test(value)) throw new SamovarError('config', `a setting of git spans lines: ${key}`);
  return `\t${key} = "${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** The original names the user apart from the address; that one counts. */
export function remoteUrl({ url, sshKeyUser }: GitPlace): string {
  if (sshKeyUser === undefined || /^(https?|file):/.test(url)) return url;
  if (!url.startsWith('ssh://')) return url.replace(/^[^@]*@/, `${sshKeyUser}@`);
  const parsed = new URL(url);
  parsed.username = sshKeyUser;
  return parsed.href;
}
