import { request } from 'undici';
import { describeError, SamovarError } from '../../errors.ts';
import type { Registry } from './config.ts';
import { readToken } from './git/settings.ts';

/** Looks an image up before its tag is committed. Gives a warning where it cannot be known. Throws `refused` where it is not there. */
export type TagCheck = (image: string, reference: string) => Promise<string | undefined>;

export interface TagCheckOptions {
  /** By host, as names of images have it; `docker.io` for those that have none. */
  readonly registries: Readonly<Record<string, Registry>>;
  readonly signal: AbortSignal;
  /** For all requests of one look. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;
const DOCKER_HUB = 'docker.io';
/** A path of a registry, by the specification of distributions. */
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

export function tagCheck({ registries, signal, timeoutMs = TIMEOUT_MS }: TagCheckOptions): TagCheck {
  return async (image, reference) => {
    const { host, name } = placeOf(image);
    const registry = Object.hasOwn(registries, host) ? registries[host] : undefined;
    const what = `${image}${reference.includes(':') ? '@' : ':'}${reference}`;
    if (registry === undefined) return `${what} is not checked: ${host} is none of the registries`;
    if (!NAME.test(name)) return `${what} is not checked: ${name} is no name of an image`;
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const status = await look(registry, host, { name, reference, signal: AbortSignal.any([signal, late]) });
      if (status === 200) return undefined;
      if (status !== 404) return `${what} could not be checked: the registry answered ${status}`;
    } catch (error) {
      if (signal.aborted) throw new SamovarError('aborted', 'stopped while a registry was asked');
      if (late.aborted) return `${what} could not be checked: no answer within ${timeoutMs} ms`;
      return `${what} could not be checked: ${describeError(error)}`;
    }
    throw new SamovarError('refused', `${what} is not in the registry`, {
      subject: what,
      remedy: 'Wait until it is pushed, or check the tag; the bot may also lack the right to see it.',
    });
  };
}

function placeOf(image: string): { readonly host: string; readonly name: string } {
  const [first = '', ...rest] = image.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  if (hasHost && first !== DOCKER_HUB) return { host: first, name: rest.join('/') };
  const name = hasHost ? rest.join('/') : image;
  return { host: DOCKER_HUB, name: name.includes('/') ? name : `library/${name}` };
}

interface Look {
  readonly name: string;
  readonly reference: string;
  readonly signal: AbortSignal;
}

/** Asks; and again with what the registry asks for. */
async function look(registry: Registry, host: string, { name, reference, signal }: Look): Promise<number> {
  const root = registry.url ?? `https://${host === DOCKER_HUB ? 'registry-1.docker.io' : host}`;
  const url = `${root.replace(/\/$/, '')}/v2/${name}/manifests/${reference}`;
  const head = async (headers: Record<string, string>) => {
    const answer = await request(url, { method: 'HEAD', headers: { accept: ACCEPT, ...headers }, signal });
    await answer.body.dump();
    return { status: answer.statusCode, challenge: String(answer.headers['www-authenticate'] ?? '') };
  };
  const first = await head({});
  if (first.status !== 401) return first.status;
  const basic = await basicOf(registry);
  if (/^basic\b/i.test(first.challenge)) {
    if (basic === undefined) return first.status;
    return (await head({ authorization: basic })).status;
  }
  const token = await tokenOf(first.challenge, { basic, name, root, signal });
  return token === undefined ? first.status : (await head({ authorization: `Bearer ${token}` })).status;
}

async function basicOf({ user, passwordPath }: Registry): Promise<string | undefined> {
  if (user === undefined || passwordPath === undefined) return undefined;
  return `Basic ${Buffer.from(`${user}:${await readToken(passwordPath)}`).toString('base64')}`;
}

interface TokenCall {
  readonly basic: string | undefined;
  readonly name: string;
  readonly root: string;
  readonly signal: AbortSignal;
}

/** `Bearer realm="https://auth.example.com/token",service="example.com"`: there a token to read this image is given. */
async function tokenOf(challenge: string, { basic, name, root, signal }: TokenCall) {
  const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
  const realm = fields.get('realm') ?? '';
  if (!/^bearer\b/i.test(challenge) || !URL.canParse(realm)) return undefined;
  const url = new URL(realm);
  const isSafe = url.protocol === 'https:' || url.origin === new URL(root).origin;
  if (!isSafe) throw new Error(`the registry sends to ${url.origin} for a token, without TLS`);
  url.searchParams.set('scope', `repository:${name}:pull`);
  const service = fields.get('service');
  if (service !== undefined) url.searchParams.set('service', service);
  const headers = basic === undefined ? {} : { authorization: basic };
  const answer = await request(url, { headers, signal });
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    throw new Error(`no token was given: ${answer.statusCode}`);
  }
  const { token, access_token: other } = (await answer.body.json()) as Record<string, unknown>;
  const given = token ?? other;
  return typeof given === 'string' && /^[\x21-\x7e]+$/.test(given) ? given : undefined;
}
