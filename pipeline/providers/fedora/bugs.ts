import type { Fetched, FetchSurroundings, KeyWithPrevious, Provider } from '../../cache/contract.ts';
import { BUG_FIELDS, type Bug, bugsOf, OPEN_STATUSES } from '../../records/cache/bugs.ts';
import { fieldsOf, listOf, unfit, wholeOf } from '../../records/cache/fields.ts';
import { rawhideOf } from '../../records/cache/releases.ts';
import { HOUR_MS } from '../clocks.ts';
import { base, type FedoraProvider, RELEASES, usual } from './make.ts';
import { list, object, TEXT, TEXT_OR_NULL, TEXTS, WHOLE } from './shapes.ts';

const SCHEMA = list(
  object({
    bug_id: WHOLE,
    title: TEXT,
    url: TEXT,
    status: TEXT,
    release: TEXT,
    keywords: TEXTS,
    priority: TEXT,
    severity: TEXT,
    priority_severity: TEXT,
    comments: WHOLE,
    modified: TEXT_OR_NULL,
    reported: TEXT_OR_NULL,
    private: { type: 'boolean' },
  }),
);

/** So many names of 128 characters still make a URL that servers take. */
const COMPONENTS_MAX = 40;
const PAGE_BUGS = 500;
const PAGES_MAX = 200;
/** Bugs with a group: those that not everybody sees. */
const PRIVATE_ONLY = [
  ['f1', 'bug_group'],
  ['o1', 'isnotempty'],
] as const;

export const bugs: FedoraProvider = {
  name: 'package_bugs',
  needs: ['bugzilla'],
  make: (config) => {
    const bugzilla = base(config, 'bugzilla');
    const fetch = (request: Many) => fetchBugs(request, { bugzilla, headers: {}, isPrivate: false });
    const given = { ...common('package_bugs', 'Open bugs of packages', bugzilla), empty: [] };
    return usual(config, 2 * HOUR_MS, { ...given, fetchMany: { batchMax: COMPONENTS_MAX, fetch } });
  },
};

export const privateBugs: FedoraProvider = {
  name: 'package_private_bugs',
  needs: ['bugzilla'],
  make: (config) => {
    if (config.bugzillaKey === undefined) return undefined;
    const bugzilla = base(config, 'bugzilla');
    const headers = { authorization: `Bearer ${config.bugzillaKey}` };
    const fetch = (request: Many) => fetchBugs(request, { bugzilla, headers, isPrivate: true });
    const given = common('package_private_bugs', 'Open bugs that only some may see', bugzilla);
    return usual(config, 2 * HOUR_MS, {
      ...given,
      isPrivate: true,
      tags: ['private'],
      fetchMany: { batchMax: COMPONENTS_MAX, fetch },
    });
  },
};

function common(name: string, title: string, upstream: string) {
  const keys: Provider['keys'] = { rule: 'seen' };
  return {
    name,
    title,
    upstream,
    kind: 'keyed',
    schema: SCHEMA,
    concurrency: 2,
    keys,
    dependsOn: [RELEASES],
  } as const;
}

type Many = FetchSurroundings & { readonly keys: readonly KeyWithPrevious[] };

interface Place {
  readonly bugzilla: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bugs of this kind are kept, others are left away. */
  readonly isPrivate: boolean;
}

async function fetchBugs(request: Many, place: Place): Promise<ReadonlyMap<string, Fetched>> {
  const found = new Map(request.keys.map(({ key }) => [key, new Map<number, Bug>()]));
  const { items, leftOut } = bugsOf(
    await allBugs(request, place),
    place.bugzilla,
    rawhideOf(request.read(RELEASES, '')),
  );
  for (const { component, bug } of items)
    if (bug.private === place.isPrivate) found.get(component)?.set(bug.bug_id, bug);
  // Whose bug could not be read is not known: all of the batch are told.
  return new Map(
    [...found].map(([key, one]) => {
      const value = [...one.values()].sort((a, b) => b.bug_id - a.bug_id);
      return [key, { kind: 'value', value, leftOut }];
    }),
  );
}

/** Servers have limits of their own below the one asked for: the next page begins where the last one ended. */
async function allBugs(
  { http, keys }: Many,
  { bugzilla, headers, isPrivate }: Place,
): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  const search = query(keys, isPrivate);
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const url = `${bugzilla}/rest/bug?${search}&limit=${PAGE_BUGS}&offset=${found.length}`;
    const answer = await http.getJson(url, { headers });
    if (answer.kind !== 'value') throw unfit(`${bugzilla}/rest/bug`, `the answer was ${answer.kind}`);
    const fields = fieldsOf(answer.value);
    const bugs = listOf(fields?.bugs);
    if (bugs === undefined) throw unfit(`${bugzilla}/rest/bug`, 'there is no list of bugs in the answer');
    found.push(...bugs);
    const total = wholeOf(fields?.total_matches);
    const isLast = total === undefined ? bugs.length < PAGE_BUGS : found.length >= total;
    if (isLast || bugs.length === 0) return found;
  }
  throw unfit(`${bugzilla}/rest/bug`, `there is no end of bugs after ${PAGES_MAX} pages`);
}

function query(keys: readonly KeyWithPrevious[], isPrivate: boolean): string {
  const parameters: readonly (readonly [string, string])[] = [
    ...['Fedora', 'Fedora EPEL'].map((product) => ['product', product] as const),
    ...keys.map(({ key }) => ['component', key.toWellFormed()] as const),
    ...OPEN_STATUSES.map((status) => ['bug_status', status] as const),
    ['include_fields', BUG_FIELDS.join(',')],
    ['order', 'bug_id'],
    ...(isPrivate ? PRIVATE_ONLY : []),
  ];
  const search = new URLSearchParams();
  for (const [name, value] of parameters) search.append(name, value);
  return search.toString();
}
