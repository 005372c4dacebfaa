import { celRepository } from './filter-types.ts';
import type { ListRepositoriesRequest, ListRepositoriesResponse, RepositoryMessage } from './messages.ts';
import { ownerOf } from './names.ts';
import { pageSize } from './page.ts';
import type { ServedRepo } from './served.ts';
import type { ServiceOptions } from './service.ts';
import { Refusal } from './status.ts';

/** All that are served, those whose replay is not over too: their counts grow meanwhile. */
export function listRepositories(
  request: ListRepositoriesRequest,
  { served, filters, tokens, nowMs }: ServiceOptions,
): ListRepositoriesResponse {
  const { parent = '', filter: text = '', orderBy = '', pageToken = '' } = request;
  const owner = ownerOf(parent);
  const descending = isDescending(orderBy);
  const query = ['repositories', owner ?? null, text, descending];
  const place = pageToken === '' ? undefined : tokens.read(query, pageToken);
  const startedMs = place?.startedMs ?? nowMs();
  const filter = filters.compile('repository', text);
  const all = served
    .repos()
    .filter(({ repo }) => owner === undefined || repo.owner === owner)
    .map(repositoryMessage)
    .sort((a, b) => (a.name < b.name ? -1 : 1) * (descending ? -1 : 1));
  const matching = filter === undefined ? all : filter.matching(all, celRepository, startedMs);
  const rest = matching.filter(
    ({ name }) => place === undefined || isAfter(name, String(place.after), descending),
  );
  const repositories = rest.slice(0, pageSize(request.pageSize));
  const last = repositories.at(-1)?.name ?? '';
  const origin = { timeUs: 0, segment: 0, offset: 0, startedMs, total: 0 };
  return {
    repositories,
    ...(matching.length > 0 && { total: matching.length }),
    ...(rest.length > repositories.length && {
      nextPageToken: tokens.write(query, { ...origin, after: last }),
    }),
  };
}

function isAfter(name: string, last: string, descending: boolean): boolean {
  return descending ? name < last : name > last;
}

function isDescending(orderBy: string): boolean {
  const found = /^\s*(?:name(?:\s+(asc|desc))?)?\s*$/i.exec(orderBy);
  if (found === null)
    throw new Refusal(
      'INVALID_ARGUMENT',
      `order_by ${JSON.stringify(orderBy.slice(0, 100))}: give name or name desc`,
    );
  return found[1]?.toLowerCase() === 'desc';
}

/** Open and closed ones; those that are tombstoned are no more listed, and not counted either. */
function repositoryMessage({ repo }: ServedRepo): RepositoryMessage {
  const { issues, pulls } = repo.counts();
  return {
    name: `${repo.owner}/${repo.name}`,
    ...(issues > 0 && { issueCount: issues }),
    ...(pulls > 0 && { pullRequestCount: pulls }),
  };
}
