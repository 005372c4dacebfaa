/** How mutation logs are kept. Paths are relative to the working directory. */
export interface MutationSettings {
  /** SQLite file of the corpus: one of its own, so that following GitHub and collecting builds do not wait for each other. */
  readonly db: string;
  /** Where logs are: a bucket and a prefix; a repository's is `<logs>/<owner>/<name>/`. Without a slash at its end. */
  readonly logs: string;
  /** Folder of what is not yet in the bucket. */
  readonly walDir: string;
  readonly reposFile: string | undefined;
  /** Between two looks at GitHub. */
  readonly syncMs: number;
  /** How long a mutation may wait for its upload. It is on this machine's disk meanwhile. */
  readonly flushMs: number;
  /** How far back a cursor of updates begins again. */
  readonly overlapMs: number;
  /** How long something must be missing before it counts as deleted. */
  readonly deletionGraceMs: number;
  /** Without a slash at its end. */
  readonly githubEndpoint: string;
  /** Tokens, one a line; SAMOVAR_GITHUB_TOKENS (or GITHUB_TOKEN) instead of a file. */
  readonly githubTokenFile: string | undefined;
  readonly githubApp: { readonly id: string; readonly keyFile: string } | undefined;
  readonly webhookSecretFile: string | undefined;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** `text` and `number` give a setting's value where something has set it. */
export function mutationSettings(
  text: (key: string) => string | undefined,
  number: (key: string) => number | undefined,
): MutationSettings {
  const appId = text('github_app_id');
  const keyFile = text('github_app_key_file');
  return {
    db: text('mutation_log_db') ?? 'data/mutation-log.db',
    logs: (text('mutation_logs') ?? 'file:data/mutation-log').replace(/\/+$/, ''),
    walDir: text('mutation_log_wal') ?? 'data/mutation-log-wal',
    reposFile: text('repos'),
    syncMs: (number('sync_minutes') ?? 5) * MINUTE_MS,
    flushMs: (number('log_flush_seconds') ?? 60) * SECOND_MS,
    overlapMs: (number('sync_overlap_seconds') ?? 120) * SECOND_MS,
    deletionGraceMs: (number('deletion_grace_minutes') ?? 30) * MINUTE_MS,
    githubEndpoint: (text('github_endpoint') ?? 'https://api.github.com').replace(/\/+$/, ''),
    githubTokenFile: text('github_token_file'),
    githubApp: appId !== undefined && keyFile !== undefined ? { id: appId, keyFile } : undefined,
    webhookSecretFile: text('webhook_secret_file'),
  };
}
