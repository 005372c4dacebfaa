import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import type { GithubIssueMutation, GithubMutation, Mutation } from '../../pipeline/records/mutation/types.ts';
import type { AppliedRecord, CorpusRepo } from '../../pipeline/store/corpus-types.ts';
import type { Store } from '../../pipeline/store/open.ts';

export const at = (seconds: number) => ({ seconds });

/** A mutation of an issue of o/r. */
export function issueMutation(number: number, said: Partial<GithubIssueMutation> = {}): Mutation {
  return { githubIssue: { owner: 'o', repo: 'r', number, ...said } };
}

export function repoMutation(said: Partial<GithubMutation>): Mutation {
  return { github: { owner: 'o', repo: 'r', ...said } };
}

/** Bytes of a record's header: `REC@` offset `+` length `=`. */
function headerBytes(offset: number, length: number): number {
  return `REC@${offset.toString(16)}+${length.toString(16)}=`.length;
}

/** Mutations as records of one segment, beginning at its offset. */
export function recordsOf(
  mutations: readonly Mutation[],
  { segment = 0, offset = 0 }: { readonly segment?: number; readonly offset?: number } = {},
): readonly AppliedRecord[] {
  let begin = offset;
  return mutations.map((mutation) => {
    const payload = encodeMutation(mutation);
    const end = begin + headerBytes(begin, payload.length) + payload.length;
    const record = { segment, offset: begin, end, payload };
    begin = end;
    return record;
  });
}

/** Applies mutations behind what was applied before. */
export function applyAll(store: Store, repo: CorpusRepo, mutations: readonly Mutation[]): void {
  store.transaction(() => repo.apply(recordsOf(mutations, repo.position() ?? {})));
}
