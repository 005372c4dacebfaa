import { createHash } from 'node:crypto';
import { parseRoot } from '../backends/bucket/urls.ts';
import { SamovarError } from '../errors.ts';

export interface RepoName {
  readonly owner: string;
  readonly name: string;
}

/** Where the log of one repository is. */
export interface TemplatePlace {
  readonly bucketUrl: string;
  /** Ends with a slash, or is empty. */
  readonly prefix: string;
}

const PLACEHOLDER = /\{([^{}]*)\}/g;

/** Lowercase hex: what maintner's supervisor and its buckets are named after. */
export function repoHash({ owner, name }: RepoName): string {
  return createHash('sha224').update(`${owner}/${name}`).digest('hex');
}

/**
 * The place of a repository's log by a template: `gs://mtr-b-{hash}/`, `gs://logs/{owner}/{repo}/`. All of a template's places lie in
 * one bucket, unless its name has a placeholder. Throws `config`.
 */
export function placeOfTemplate(template: string, repo: RepoName): TemplatePlace {
  assertTemplate(template);
  const [, bucket = ''] = /^gs:\/\/([^/]*)/.exec(template) ?? [];
  if (bucket.includes('{')) return parseRoot(fill(template, repo));
  const root = template.slice(0, template.lastIndexOf('/', template.search(/\{/)) + 1);
  const rest = `${fill(template.slice(root.length), repo).replace(/\/+$/, '')}/`;
  if (root === '') return { bucketUrl: 'file:.', prefix: rest.slice('file:'.length) };
  const { bucketUrl, prefix } = parseRoot(root);
  return { bucketUrl, prefix: `${prefix}${rest}` };
}

function fill(template: string, repo: RepoName): string {
  const values: Readonly<Record<string, string>> = {
    hash: repoHash(repo),
    owner: repo.owner,
    repo: repo.name,
  };
  return template.replace(PLACEHOLDER, (_, key: string) => values[key] ?? '');
}

function assertTemplate(template: string): void {
  const keys = [...template.matchAll(PLACEHOLDER)].map(([, key]) => key);
  const unknown = keys.find((key) => key !== 'hash' && key !== 'owner' && key !== 'repo');
  if (unknown !== undefined) throw refusal(template, `{${unknown}} stands for nothing`);
  if (!/^(gs:\/\/|file:)/.test(template)) throw refusal(template, 'it is neither gs:// nor file:');
  if (!keys.includes('hash') && !(keys.includes('owner') && keys.includes('repo')))
    throw refusal(template, 'it names one place for all repositories');
}

function refusal(template: string, why: string): SamovarError {
  return new SamovarError('config', `cannot use ${JSON.stringify(template)} for places of logs: ${why}`, {
    subject: template,
    remedy: 'It has {hash}, or {owner} and {repo}: gs://mtr-b-{hash}/, gs://my-logs/{owner}/{repo}/.',
  });
}
