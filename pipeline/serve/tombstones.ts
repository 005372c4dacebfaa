import type { Served } from './served.ts';
import { readyRepo } from './service.ts';
import { Refusal } from './status.ts';

export interface TombstoneRequest {
  readonly parent?: string;
  readonly issueNumbers?: readonly number[];
}

export interface TombstoneResponse {
  readonly tombstonedCount?: number;
}

/** Encodes the mutation that says that an issue is no more. */
export type EncodeTombstone = (owner: string, name: string, number: number) => Uint8Array;

const NUMBERS_MAX = 10_000;
const NUMBERS_SHOWN = 20;

/** All or nothing: a number that is not known is answered before anything is written. Those that are no more already do not count. */
export async function tombstoneIssues(
  { parent = '', issueNumbers = [] }: TombstoneRequest,
  served: Served,
  encode: EncodeTombstone,
): Promise<TombstoneResponse> {
  const { repo, write } = readyRepo(served, parent);
  const full = `${repo.owner}/${repo.name}`;
  if (write === undefined)
    throw new Refusal(
      'FAILED_PRECONDITION',
      `this server does not write the log of ${full}: ask the one that does`,
    );
  const numbers = [...new Set(issueNumbers)];
  if (numbers.length > NUMBERS_MAX)
    throw new Refusal('INVALID_ARGUMENT', `${numbers.length} numbers at once, at most ${NUMBERS_MAX} may be`);
  const issues = numbers.map((number) => [number, repo.issue(number)] as const);
  const unknown = issues.filter(([, issue]) => issue === undefined).map(([number]) => number);
  if (unknown.length > 0) throw new Refusal('NOT_FOUND', unknownText(full, unknown));
  const payloads = issues
    .filter(([, issue]) => issue?.notExist === false)
    .map(([number]) => encode(repo.owner, repo.name, number));
  if (payloads.length === 0) return {};
  await write(payloads);
  return { tombstonedCount: payloads.length };
}

function unknownText(full: string, unknown: readonly number[]): string {
  const shown = unknown.slice(0, NUMBERS_SHOWN).join(', ');
  const more = unknown.length > NUMBERS_SHOWN ? ` and ${unknown.length - NUMBERS_SHOWN} more` : '';
  return `${full} has no issues ${shown}${more}: nothing was written`;
}
