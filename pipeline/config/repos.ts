import type { JsonSchema } from './schema.ts';
import { readSchema } from './shipped.ts';
import { type ConfigDocument, parseConfig, readConfigText } from './yaml.ts';

/** A GitHub repository of the configuration. */
export interface TrackedRepo {
  readonly owner: string;
  readonly name: string;
  readonly branch?: string;
  /** False: nothing of it is followed. */
  readonly issues: boolean;
}

/** Schemas of the two forms of the list. */
export interface RepoSchemas {
  readonly ours: JsonSchema;
  readonly list: JsonSchema;
}

interface ListEntry {
  readonly repo: string;
  readonly default_branch?: string;
  readonly is_tracking_issues?: boolean;
}

interface Entry {
  readonly branch?: string;
  readonly issues?: boolean;
}

/** Reads an object of a bucket by its URL, `gs://bucket/name`. */
export type ReadObject = (url: string) => Promise<string>;

/**
 * Repositories in the order of their list: config/repos.yaml, or maintner's JSON list, told apart by its key `repos`. `place` is a
 * file, or the URL of an object, which `readObject` reads. Throws one `config` error that names every bad line.
 */
export async function loadRepos(place: string, readObject: ReadObject): Promise<readonly TrackedRepo[]> {
  const isUrl = /^(gs:\/\/|file:)/.test(place);
  const text = isUrl ? await readObject(place) : await readConfigText(place, place);
  return parseRepos(text, place, await repoSchemas());
}

export async function repoSchemas(): Promise<RepoSchemas> {
  return { ours: await readSchema('repos'), list: await readSchema('repos-list') };
}

/** As `loadRepos`, of a text; `file` is its name in messages. */
export function parseRepos(text: string, file: string, { ours, list }: RepoSchemas): readonly TrackedRepo[] {
  const any = parseConfig(text, { file, schema: { type: 'object', description: String(ours.description) } });
  // No repository is called `repos`: a name has a slash.
  if (Object.hasOwn(any.value as object, 'repos'))
    return reposOfList(parseConfig(text, { file, schema: list }));
  const document = parseConfig(text, { file, schema: ours });
  const entries = Object.entries(document.value as Readonly<Record<string, Entry | null>>);
  const written = entries.map(([repo]) => ({ repo, path: [], key: repo }));
  reportTwice(document, written);
  document.finish();
  return entries.map(([repo, entry]) => tracked(repo, entry?.branch, entry?.issues ?? true));
}

function reposOfList(document: ConfigDocument): readonly TrackedRepo[] {
  const { repos } = document.value as { readonly repos: readonly ListEntry[] };
  const written = repos.map(({ repo }, at) => ({ repo, path: ['repos', String(at)], key: 'repo' }));
  reportTwice(document, written);
  document.finish();
  return repos.map((one) => tracked(one.repo, one.default_branch, one.is_tracking_issues ?? false));
}

interface Written {
  readonly repo: string;
  readonly path: readonly string[];
  readonly key: string;
}

/** GitHub does not tell names apart by case. */
function reportTwice(document: ConfigDocument, repos: readonly Written[]): void {
  const seen = new Map<string, string>();
  for (const { repo, path, key } of repos) {
    const other = seen.get(repo.toLowerCase());
    if (other !== undefined) {
      const what = `${repo} is the same repository as ${other}; allowed is one entry for each repository`;
      document.report(path, what, key);
    }
    seen.set(repo.toLowerCase(), repo);
  }
}

function tracked(repo: string, branch: string | undefined, issues: boolean): TrackedRepo {
  const [owner = '', name = ''] = repo.split('/');
  return { owner, name, ...(branch && { branch }), issues };
}
