/**
 * What somebody asks of the bot.
 *
 * Glossary: the *requester* is who asks; a *change* alters the repository of manifests; a *target* is what is changed:
 * `repo/stage` or `repo/stage/project`.
 */
export interface Person {
  /** `slack:U1`, `token:ci`, `cli:ann`: what permissions are about. */
  readonly id: string;
  /** As people know them; any text. */
  readonly name: string;
}

export interface Request {
  /** Of this request alone; it becomes a trailer of the commit. */
  readonly id: string;
  readonly person: Person;
  /** As it was typed. */
  readonly text: string;
}

/** A tag, or a digest such as `sha256:…`. */
export interface ImageVersion {
  readonly kind: 'tag' | 'digest';
  readonly value: string;
}

interface OnTarget {
  readonly repo: string;
  readonly stage: string;
  readonly project?: string;
  readonly dryRun: boolean;
  /** The requester needs not to be asked again. */
  readonly confirmed: boolean;
}

export interface ImageChange extends OnTarget {
  readonly name: 'deploy' | 'release';
  readonly version: ImageVersion;
  readonly image?: string;
}

export interface Scale extends OnTarget {
  readonly name: 'scale';
  readonly service?: string;
  readonly min?: number;
  readonly max?: number;
}

export interface Rollback extends OnTarget {
  readonly name: 'rollback';
  /** A commit; undefined: to what was before. */
  readonly to?: string;
  readonly image?: string;
}

export type Change = ImageChange | Scale | Rollback;

export interface Freeze {
  readonly name: 'freeze' | 'unfreeze';
  /** `*`: all. */
  readonly repo: string;
  readonly stage: string;
  readonly reason: string;
}

/** Of one code base, or of one service of it. */
export interface Subject {
  readonly repo: string;
  readonly stage: string;
  readonly project?: string;
  readonly service?: string;
}

export type Command =
  | Change
  | Freeze
  | ({ readonly name: 'info' | 'history' } & Subject)
  | { readonly name: 'repos' }
  | { readonly name: 'services'; readonly project: string; readonly stage: string }
  | { readonly name: 'approve' | 'reject' | 'confirm'; readonly id: string }
  | { readonly name: 'pending' }
  | { readonly name: 'help'; readonly about?: string };

export function isChange(command: Command): command is Change {
  return ['deploy', 'release', 'scale', 'rollback'].includes(command.name);
}

export function targetText({ repo, stage, project }: { repo: string; stage: string; project?: string }) {
  return [repo, stage, ...(project === undefined ? [] : [project])].join('/');
}
