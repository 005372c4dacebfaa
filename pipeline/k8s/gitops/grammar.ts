import { SamovarError } from '../../errors.ts';
import type { Command, Subject } from './command.ts';
import type { CodeBase } from './config.ts';
import { imageVersion } from './image-version.ts';
import { autoscalingFile, imageFolder, type ServiceName, servicesOf } from './layout.ts';
import { type Words, wordsOf } from './words.ts';

const PROD = 'prod';
const REPLICAS_MAX = 10_000;
const COMMIT = /^[0-9a-f]{7,64}$/;
const ID = /^[0-9a-z]{4,20}$/;
const REASON_CHARS_MAX = 200;

/** What one command may be given beside its first word. */
interface Rule {
  readonly words: readonly [min: number, max: number];
  readonly named: readonly string[];
  readonly flags?: readonly string[];
  readonly read: (words: Words, bases: readonly CodeBase[]) => Command;
}

const CHANGE_FLAGS = ['dry-run', 'yes'];

const RULES: Readonly<Record<string, Rule>> = {
  deploy: { words: [0, 1], named: ['env', 'image-tag', 'image'], flags: CHANGE_FLAGS, read: deploy },
  release: { words: [0, 1], named: ['project', 'image-tag', 'image'], flags: CHANGE_FLAGS, read: release },
  scale: { words: [0, 1], named: ['env', 'minReplicas', 'maxReplicas'], flags: CHANGE_FLAGS, read: scale },
  rollback: { words: [0, 1], named: ['env', 'project', 'to', 'image'], flags: CHANGE_FLAGS, read: rollback },
  list: { words: [0, 1], named: ['project', 'env'], read: list },
  info: {
    words: [0, 1],
    named: ['project', 'env'],
    read: (words, bases) => ({ name: 'info', ...subject(words, bases) }),
  },
  freeze: { words: [0, 1], named: ['env', 'reason'], read: (words, bases) => freeze('freeze', words, bases) },
  unfreeze: {
    words: [0, 1],
    named: ['env', 'reason'],
    read: (words, bases) => freeze('unfreeze', words, bases),
  },
  approve: { words: [0, 1], named: [], read: (words) => ({ name: 'approve', id: idOf(words) }) },
  reject: { words: [0, 1], named: [], read: (words) => ({ name: 'reject', id: idOf(words) }) },
  confirm: { words: [0, 1], named: [], read: (words) => ({ name: 'confirm', id: idOf(words) }) },
  pending: { words: [0, 0], named: [], read: () => ({ name: 'pending' }) },
  help: {
    words: [0, 1],
    named: [],
    read: ({ plain: [about] }) => ({ name: 'help', ...(about === undefined ? {} : { about }) }),
  },
};

export const COMMAND_NAMES: readonly string[] = Object.keys(RULES);

/**
 * Reads a command by the original's grammar. All that it names is looked up in the configuration: nothing typed becomes part of a path
 * or of an argument of git. Throws `refused` with a text for the one who typed it.
 */
export function parseCommand(text: string, bases: readonly CodeBase[]): Command {
  const { plain, named, flags } = wordsOf(text);
  const [name = 'help', ...rest] = plain;
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  if (rule === undefined) throw refused(`command(${name}) is not supported`);
  const [min, max] = rule.words;
  const strange = [
    ...rest.slice(max),
    ...[...named.keys()].filter((key) => !rule.named.includes(key)),
    ...[...flags].filter((flag) => !(rule.flags ?? []).includes(flag)).map((flag) => `--${flag}`),
  ];
  if (rest.length < min || strange.length > 0)
    throw refused(`Samovar does not support: ${strange.join(', ')}`);
  return rule.read({ plain: rest, named, flags }, bases);
}

function deploy(words: Words, bases: readonly CodeBase[]): Command {
  const base = baseOf(words, bases);
  const stage = expected(words, 'env', 'getting env for deployment encountered an error: ');
  if (stage === PROD) throw refused("deploy command doesn't support prod env", 'Use release for prod.');
  imageFolder(base, { repo: base.repo, stage });
  return { name: 'deploy', repo: base.repo, stage, ...imageOf(words), ...switches(words) };
}

function release(words: Words, bases: readonly CodeBase[]): Command {
  const base = baseOf(words, bases);
  const project = words.named.get('project');
  if (base.type === 2 && project === undefined)
    throw refused('getting project for deployment encountered an error: argument(project) is expected');
  const target = { repo: base.repo, stage: PROD, ...projectOf(base, project) };
  imageFolder(base, target);
  return { name: 'release', ...target, ...imageOf(words), ...switches(words) };
}

function imageOf(words: Words) {
  const tag = expected(words, 'image-tag', 'getting image-tag for deployment encountered an error: ');
  const image = words.named.get('image');
  return { version: imageVersion(tag), ...(image === undefined ? {} : { image }) };
}

function scale(words: Words, bases: readonly CodeBase[]): Command {
  const of = subject(words, bases);
  const base = baseNamed(bases, of.repo);
  if (base !== undefined) autoscalingFile(base, of);
  const min = replicas(words, 'minReplicas');
  const max = replicas(words, 'maxReplicas');
  if (min === undefined && max === undefined)
    throw refused('argument(minReplicas) or argument(maxReplicas) is expected');
  if (min !== undefined && max !== undefined && min > max)
    throw refused(`minReplicas ${min} is more than maxReplicas ${max}`);
  return {
    name: 'scale',
    ...of,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...switches(words),
  };
}

function replicas({ named }: Words, key: string): number | undefined {
  const text = named.get(key);
  if (text === undefined) return undefined;
  const count = /^[1-9][0-9]{0,5}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= REPLICAS_MAX) return count;
  throw refused(`${key} must be a whole number from 1 to ${REPLICAS_MAX}, not ${text}`);
}

function rollback(words: Words, bases: readonly CodeBase[]): Command {
  const of = subject(words, bases);
  const to = words.named.get('to');
  if (to !== undefined && !COMMIT.test(to))
    throw refused(`to(${to}) is no commit: 7 to 64 hexadecimal digits`);
  const base = baseNamed(bases, of.repo);
  if (base !== undefined) imageFolder(base, of);
  const { repo, stage, project } = of;
  return {
    name: 'rollback',
    repo,
    stage,
    // Outside prod one file holds the tag of all projects.
    ...(project === undefined || stage !== PROD ? {} : { project }),
    ...(to === undefined ? {} : { to }),
    ...(words.named.has('image') ? { image: words.named.get('image') ?? '' } : {}),
    ...switches(words),
  };
}

function list(words: Words, bases: readonly CodeBase[]): Command {
  if (words.plain.length > 0) return { name: 'history', ...subject(words, bases) };
  if (words.named.size === 0) return { name: 'repos' };
  const project = expected(words, 'project', '');
  const stage = expected(words, 'env', '');
  return { name: 'services', project, stage };
}

/** A repository, or a service by its full name. */
function subject(words: Words, bases: readonly CodeBase[]): Subject {
  const [name] = words.plain;
  if (name === undefined) throw refused('call help');
  const stage = expected(words, 'env', '');
  const base = baseNamed(bases, name);
  const found: ServiceName | undefined =
    base === undefined
      ? bases.flatMap(servicesOf).find(({ full }) => full === name)
      : { full: name, repo: name };
  const owner = base ?? baseNamed(bases, found?.repo);
  if (found === undefined || owner === undefined)
    throw refused('invalid repo name', 'Say list to see their names.');
  const project = found.project ?? words.named.get('project');
  if (!owner.stages.includes(stage))
    throw refused(
      `stage(${stage}) is not supported for ${owner.repo}`,
      `Its stages: ${owner.stages.join(', ')}.`,
    );
  return {
    repo: owner.repo,
    stage,
    ...projectOf(owner, project),
    ...(found.service === undefined ? {} : { service: found.service }),
  };
}

/** The original asks for a project in every release: where a code base of type 1 names none, any is taken and means nothing. */
function projectOf(base: CodeBase, project: string | undefined): { readonly project?: string } {
  if (project === undefined) return {};
  const { type, projects } = base;
  if (type === 1 && projects.length === 0) return {};
  if (projects.includes(project)) return type === 1 ? {} : { project };
  throw refused(`project(${project}) is not supported for ${base.repo}`);
}

function freeze(name: 'freeze' | 'unfreeze', words: Words, bases: readonly CodeBase[]): Command {
  const [repo = ''] = words.plain;
  const stage = expected(words, 'env', '');
  if (repo !== '*' && baseNamed(bases, repo) === undefined)
    throw refused('invalid repo name', 'Name one of them, or * for all.');
  const stages = bases.filter((base) => repo === '*' || base.repo === repo).flatMap((base) => base.stages);
  if (stage !== '*' && !stages.includes(stage)) throw refused(`stage(${stage}) is not supported for ${repo}`);
  const reason = words.named.get('reason') ?? '';
  if (reason.length > REASON_CHARS_MAX) throw refused(`a reason has at most ${REASON_CHARS_MAX} characters`);
  return { name, repo, stage, reason };
}

function baseOf({ plain: [repo] }: Words, bases: readonly CodeBase[]): CodeBase {
  if (repo === undefined) throw refused('call help');
  const base = baseNamed(bases, repo);
  if (base === undefined) throw refused('invalid repo name', 'Say list to see their names.');
  return base;
}

function baseNamed(bases: readonly CodeBase[], repo: string | undefined): CodeBase | undefined {
  return bases.find((base) => base.repo === repo);
}

function expected({ named }: Words, key: string, where: string): string {
  const value = named.get(key);
  if (value === undefined) throw refused(`${where}argument(${key}) is expected`);
  return value;
}

function idOf({ plain: [id] }: Words): string {
  if (id === undefined || !ID.test(id))
    throw refused('the id of a waiting command is expected', 'Say pending to see them.');
  return id;
}

function switches({ flags }: Words) {
  return { dryRun: flags.has('dry-run'), confirmed: flags.has('yes') };
}

function refused(message: string, remedy = 'Say help to see what can be asked.'): SamovarError {
  return new SamovarError('refused', message, { remedy });
}
