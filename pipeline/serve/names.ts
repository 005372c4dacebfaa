import { Refusal } from './status.ts';

export interface RepoName {
  readonly owner: string;
  readonly name: string;
}

const PART = '[.:\\w-]+';
const PARENT = new RegExp(`^(?:owners/(${PART})/repositories/(${PART})|(${PART})/(${PART}))(?:/|$)`);
const ISSUE = new RegExp(
  `^(?:owners/(${PART})/repositories/(${PART})|(${PART})/(${PART}))/issues/(\\d{1,10})$`,
);
/** The largest number that the wire's int32 holds. */
const NUMBER_MAX = 2 ** 31 - 1;

/** The repository of `owner/name`, of `owners/owner/repositories/name`, and of what is below either. */
export function parentOf(text: string): RepoName {
  const [, longOwner, longName, owner = longOwner, name = longName] = PARENT.exec(text) ?? [];
  if (owner === undefined || name === undefined)
    throw new Refusal('FAILED_PRECONDITION', `invalid parent: ${text.slice(0, 200)}`);
  return { owner, name };
}

/** `owner/name/issues/7`. Undefined: it names a repository, and no issue in it. */
export function issueNumberOf(text: string): number | undefined {
  const number = Number(ISSUE.exec(text)?.[5] ?? 0);
  return number > 0 && number <= NUMBER_MAX ? number : undefined;
}

/** The owner whose repositories are asked for; undefined: everyone's. */
export function ownerOf(parent: string): string | undefined {
  const owner = parent.replace(/^owners\//, '').replace(/\/.*$/, '');
  return owner === '' || owner === '-' || owner === '*' ? undefined : owner;
}
