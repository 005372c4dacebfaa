import type { Fetched, FetchSurroundings, Json } from '../../cache/contract.ts';
import { fieldsOf, listOf, ordered, sift, unfit } from '../../records/cache/fields.ts';
import {
  type GroupPage,
  type GroupValue,
  groupName,
  groupPage,
  groupValue,
} from '../../records/cache/groups.ts';
import { HOUR_MS } from '../clocks.ts';
import { base, type FedoraProvider, GUARDED, usual } from './make.ts';
import { allPages, limited, paginationField } from './pages.ts';
import { mapping, object, TEXTS } from './shapes.ts';

export const GROUPS = 'pagure_groups';

export const groups: FedoraProvider = {
  name: GROUPS,
  needs: ['src'],
  make: (config) => {
    const src = base(config, 'src');
    return usual(config, 12 * HOUR_MS, {
      name: GROUPS,
      title: 'Groups of dist-git, their members and packages',
      kind: 'single',
      schema: mapping(object({ members: TEXTS, packages: mapping({ enum: ['commit', 'admin'] }) })),
      upstream: src,
      ...GUARDED,
      fetch: (request) => fetchGroups(request, `${src}/api/0`),
    });
  },
};

async function fetchGroups(request: FetchSurroundings, api: string): Promise<Fetched> {
  const listed = await allPages(request, {
    urlOf: (page) => `${api}/groups?per_page=100&page=${page}`,
    countOf: paginationField,
    itemsOf: (answer) => fieldsOf(answer)?.groups,
  });
  if (listed === undefined) return { kind: 'absent', reason: 'dist-git has no list of groups' };
  const { items: names, leftOut } = sift(listed, 'the groups of dist-git', groupName);
  const unique = [...new Set(names)];
  let others = 0;
  const found = await limited(unique.length, request.signal, async (at) => {
    const name = unique[at] ?? '';
    const group = await fetchGroup(request, `${api}/group/${encodeURIComponent(name)}`);
    others += group?.leftOut ?? 0;
    return group === undefined ? [] : [[name, group.value] as const];
  });
  return { kind: 'value', value: ordered(found.flat()), leftOut: leftOut + others };
}

interface Found {
  readonly value: GroupValue;
  readonly leftOut: number;
}

/** Undefined: it has gone since the list was made. A group's own list says nothing of rights, so it is asked for by each of them. */
async function fetchGroup(request: FetchSurroundings, url: string): Promise<Found | undefined> {
  const commit = await groupPages(request, `${url}?projects=1&acl=commit&per_page=100`);
  const admin = await groupPages(request, `${url}?projects=1&acl=admin&per_page=100`);
  if (commit === undefined || admin === undefined) return undefined;
  const names = (pages: readonly GroupPage[]) => pages.flatMap(({ packages }) => packages);
  const people = commit.flatMap(({ members }) => members);
  const leftOut = [...commit, ...admin].reduce((sum, page) => sum + page.leftOut, 0);
  return { value: groupValue(people, names(commit), names(admin)), leftOut };
}

async function groupPages(
  request: FetchSurroundings,
  url: string,
): Promise<readonly GroupPage[] | undefined> {
  // A page's item is the page itself: members stand beside the projects.
  const answers = await allPages(request, {
    urlOf: (page) => `${url}&page=${page}`,
    countOf: paginationField,
    itemsOf: (answer: Json) => listOf([answer]),
  });
  return answers?.map((answer) => {
    const page = groupPage(answer);
    if (page === undefined) throw unfit(url, 'it is no group with projects');
    return page;
  });
}
