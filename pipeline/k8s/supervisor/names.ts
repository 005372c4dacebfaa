import { createHash } from 'node:crypto';

/** A repository of the list. */
export interface Repo {
  readonly owner: string;
  readonly name: string;
  readonly branch?: string;
}

/** Marks what a supervisor made: the original's, so that either can take over from the other. */
export const MADE_LABEL = 'maintner-sprvsr-autogen';
export const MADE_SELECTOR = `${MADE_LABEL}=true`;

/** Names as they are, for what labels cannot hold: `.github`, branches with a slash. */
export const ANNOTATIONS = {
  /** JSON list of `owner/name`: whose worker, or whose Service, this is. */
  repositories: 'samovar/repositories',
  branch: 'samovar/branch',
  /** Hash of what was applied last: tells a change of ours from a default of the server's. */
  applied: 'samovar/applied',
  /** RFC 3339: since when nothing in the list wants it. */
  surplusSince: 'samovar/surplus-since',
} as const;

const LABEL_VALUE = /^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const MADE_NAME = /^(?:mtr-[ds]-[0-9a-f]{56}|mtr-pack-\d{1,4})$/;

export function fullName({ owner, name }: Repo): string {
  return `${owner}/${name}`;
}

/** 56 hex digits of SHA-224; with a prefix of six it fits into a label and a DNS name. */
export function hashOf(full: string): string {
  return createHash('sha224').update(full, 'utf8').digest('hex');
}

export const deploymentName = (full: string) => `mtr-d-${hashOf(full)}`;
export const serviceName = (full: string) => `mtr-s-${hashOf(full)}`;
export const packName = (at: number) => `mtr-pack-${at}`;

/** Whether a supervisor gives such names: anything else that has its label is somebody's own, and left alone. */
export function isMadeName(name: string): boolean {
  return MADE_NAME.test(name);
}

/** Only those whose values can be values of labels. */
export function labelsOf(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => LABEL_VALUE.test(value)));
}

/** Text that stays the same where the same things are said in another order. */
export function stableText(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
