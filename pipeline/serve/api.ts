import { type Context, Hono } from 'hono';
import { issueJson } from './json.ts';
import type { IssueView, ListRepositoriesRequest } from './messages.ts';
import type { IssueService } from './service.ts';
import { Refusal } from './status.ts';

/** The JSON form: what the original's gateway made of the gRPC service. */
export function apiPages(service: IssueService): Hono {
  const app = new Hono();
  const repositories = (context: Context) => {
    const { owner = '' } = context.req.param() as { readonly owner?: string };
    const answer = service.listRepositories({ ...listQuery(context), parent: `owners/${owner}` });
    const { repositories: found, ...rest } = answer;
    return context.json({ ...(found.length > 0 && { repositories: found }), ...rest });
  };
  const issues = async (context: Context) => {
    const answer = await service.listIssues(
      {
        parent: repoOf(context),
        ...listQuery(context),
        ...viewQuery(context),
        ...flag(context, 'pullRequest', 'pull_request'),
        ...flag(context, 'closed'),
      },
      { signal: context.req.raw.signal },
    );
    const { issues: found, ...rest } = answer;
    return context.json({ ...(found.length > 0 && { issues: found.map(issueJson) }), ...rest });
  };
  const issue = (context: Context) => {
    const { number = '' } = context.req.param() as { readonly number?: string };
    const { issue: found } = service.getIssue({
      name: `${repoOf(context)}/issues/${number}`,
      ...viewQuery(context),
    });
    return context.json({ issue: issueJson(found) });
  };
  app.get('/owners/:owner/repositories', repositories);
  app.get('/:owner/repositories', repositories);
  for (const repo of ['/owners/:owner/repositories/:repo', '/:owner/:repo']) {
    app.get(`${repo}/issues`, issues);
    app.get(`${repo}/issues/:number`, issue);
  }
  return app;
}

function repoOf(context: Context): string {
  const { owner = '', repo = '' } = context.req.param() as {
    readonly owner?: string;
    readonly repo?: string;
  };
  return `${owner}/${repo}`;
}

function listQuery(
  context: Context,
): Pick<ListRepositoriesRequest, 'pageSize' | 'pageToken' | 'filter' | 'orderBy'> {
  const pageSize = text(context, 'pageSize', 'page_size');
  if (pageSize !== undefined && !/^-?\d{1,9}$/.test(pageSize))
    throw new Refusal('INVALID_ARGUMENT', 'page_size: give a number');
  return {
    ...(pageSize !== undefined && { pageSize: Number(pageSize) }),
    pageToken: text(context, 'pageToken', 'page_token') ?? '',
    filter: text(context, 'filter') ?? '',
    orderBy: text(context, 'orderBy', 'order_by') ?? '',
  };
}

function viewQuery(context: Context): IssueView {
  const paths = ['fieldMask', 'field_mask', 'fieldMask.paths', 'field_mask.paths']
    .flatMap((name) => context.req.queries(name) ?? [])
    .flatMap((value) => value.split(','));
  return {
    ...flag(context, 'comments'),
    ...flag(context, 'reviews'),
    fieldMask: { paths },
    commentFilter: text(context, 'commentFilter', 'comment_filter') ?? '',
  };
}

/** The first that is given: a name in camelCase, or in snake_case. */
function text(context: Context, ...names: readonly string[]): string | undefined {
  return names.map((name) => context.req.query(name)).find((value) => value !== undefined);
}

function flag(context: Context, name: string, other = name): Readonly<Record<string, boolean>> {
  const value = text(context, name, other);
  if (value === undefined) return {};
  if (value === 'true' || value === 'false') return { [name]: value === 'true' };
  throw new Refusal('INVALID_ARGUMENT', `${other}: give true or false`);
}
