import { SamovarError } from '../errors.ts';
import type { LogRecord } from '../mutation-log/contract.ts';
import { decodeMessage, spec } from '../records/mutation/wire.ts';

/** Only what says whose a mutation is: bodies are not looked at. */
const OWNED = spec([1, 'owner', 'string'], [2, 'repo', 'string']);
const WHOSE = spec(
  [1, 'githubIssue', OWNED],
  [2, 'git', 'bytes'],
  [3, 'github', OWNED],
  [4, 'gerrit', 'bytes'],
);

interface Owned {
  readonly owner?: string;
  readonly repo?: string;
}

/** Whose a record is: names as `owner/name`, mostly one; `git` for a Git or Gerrit mutation, which names no repository of GitHub's. */
export function ownersOf({ payload, segment, offset }: LogRecord): readonly string[] | 'git' {
  try {
    const { githubIssue, github, git, gerrit } = decodeMessage(payload, WHOSE) as {
      readonly githubIssue?: Owned;
      readonly github?: Owned;
      readonly git?: unknown;
      readonly gerrit?: unknown;
    };
    const names = [githubIssue, github].flatMap((said) => (said === undefined ? [] : [nameOf(said)]));
    if (names.length === 0 && (git !== undefined || gerrit !== undefined)) return 'git';
    return [...new Set(names)];
  } catch (cause) {
    throw new SamovarError('malformed', `the record at segment ${segment}, byte ${offset} is no mutation`, {
      remedy: 'Look at the source with `samovar mutation-log verify`.',
      cause,
    });
  }
}

const nameOf = ({ owner = '', repo = '' }: Owned) => `${owner}/${repo}`;
