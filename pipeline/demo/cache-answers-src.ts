import { type CacheWorld, DAY_MS, type DemoPackage, HUGE_TEXT, numberIn, pageOf } from './cache-world.ts';
import { randomFor } from './random.ts';

const PER_PAGE_MAX = 4;

/** Answers of dist-git, a Pagure. Undefined: there is no such page. */
export function srcAnswer(
  world: CacheWorld,
  path: string,
  query: URLSearchParams,
  revision: number,
): unknown {
  if (path === '/extras/pagure_owner_alias.json') return ownerAlias(world, revision);
  if (path === '/extras/pagure_poc.json') return contacts(world);
  if (path === '/api/0/groups') return groups(world, query);
  const group = /^\/api\/0\/group\/([^/]+)$/.exec(path)?.[1];
  if (group !== undefined) return groupPage(world, decodeURIComponent(group), query);
  const [, name, rest] =
    /^\/api\/0\/rpms\/([^/]+)\/(pull-requests|pull-request\/\d+\/flag)$/.exec(path) ?? [];
  const one = world.packages.find((known) => known.name === decodeURIComponent(name ?? ''));
  if (one === undefined || rest === undefined) return undefined;
  if (rest === 'pull-requests') return pullRequests(world, one, query, revision);
  return flags(world, one, Number(rest.split('/')[1]));
}

function ownerAlias({ packages }: CacheWorld, revision: number): unknown {
  const rpms = packages.map(({ name, users, group }) => [
    name,
    [...users, ...(group === undefined ? [] : [`@${group}`])],
  ]);
  const joined = Array.from({ length: revision }, (_, at) => [`new-package-${at + 1}`, ['lucia']]);
  const hostile = [
    ['__proto__', ['mallory']],
    ['<img src=x>', ['mallory']],
    [HUGE_TEXT, ['mallory']],
    ['listless', 'mallory'],
  ];
  // Of entries: a literal's __proto__ would be none of its members.
  return { rpms: Object.fromEntries([...rpms, ...joined, ...hostile]), container: {}, modules: {} };
}

function contacts({ packages }: CacheWorld): unknown {
  const rpms = packages.map(({ name, users }) => [
    name,
    { admin: users[0], fedora: users[0], epel: users[0] },
  ]);
  return { rpms: Object.fromEntries(rpms) };
}

function pagination(query: URLSearchParams, total: number) {
  const size = Math.min(PER_PAGE_MAX, numberIn(query, 'per_page', 20));
  const page = numberIn(query, 'page', 1);
  const pages = Math.max(1, Math.ceil(total / size));
  return { page, pages, per_page: size, next: page < pages ? `?page=${page + 1}` : null };
}

function groups(world: CacheWorld, query: URLSearchParams): unknown {
  const names = [...world.groups.map(({ name }) => name), '__proto__', 'a group with spaces'];
  const shown = pagination(query, names.length);
  return {
    groups: pageOf(names, shown.page, shown.per_page),
    pagination: shown,
    total_groups: names.length,
  };
}

function groupPage(world: CacheWorld, name: string, query: URLSearchParams): unknown {
  const group = world.groups.find((one) => one.name === name);
  if (group === undefined) return undefined;
  const named = query.get('acl') === 'admin' ? group.admin : group.commit;
  const projects = [
    ...named.map((one) => ({ name: one, namespace: 'rpms', fullname: `rpms/${one}` })),
    { name: 'container-image', namespace: 'container', fullname: 'container/container-image' },
  ];
  const shown = pagination(query, projects.length);
  return {
    name,
    members: [...group.members, '<b>mallory</b>'],
    projects: pageOf(projects, shown.page, shown.per_page),
    total_projects: projects.length,
    pagination: shown,
  };
}

function pullRequests(
  world: CacheWorld,
  { name, users }: DemoPackage,
  query: URLSearchParams,
  revision: number,
): unknown {
  const random = randomFor(world.seed, 'pulls', name);
  const count = random.below(7) + (revision > 0 ? 1 : 0);
  const requests: unknown[] = Array.from({ length: count }, (_, at) => ({
    id: at + 1,
    title: at === 2 ? '<script>alert("pull")</script>' : `Update to ${random.below(9)}.${random.below(30)}`,
    branch: ['rawhide', 'f42', 'epel9', 'private-topic'][random.below(4)],
    user: { name: world.users[random.below(world.users.length)], fullname: 'Somebody' },
    date_created: seconds(world, 30 - at),
    last_updated: seconds(world, random.below(20)),
    updated_on: seconds(world, 1),
    comments: Array.from({ length: random.below(4) }, (_, id) => ({ id, comment: 'nice' })),
    full_url: `https://src.example.org/rpms/${name}/pull-request/${at + 1}`,
    commit_stop: random.hex(40),
    project: { name, namespace: 'rpms', user: { name: users[0] } },
  }));
  if (requests.length > 1) requests.push({ id: 'seven', title: HUGE_TEXT });
  const shown = pagination(query, requests.length);
  return {
    requests: pageOf(requests, shown.page, shown.per_page),
    total_requests: requests.length,
    pagination: shown,
  };
}

function flags(world: CacheWorld, { name }: DemoPackage, id: number): unknown {
  const random = randomFor(world.seed, 'flags', name, id);
  const words = ['success', 'failure', 'error', 'pending', 'succeeded'];
  const made = ['Zuul', 'Fedora CI', 'simple-koji-ci'].flatMap((username) =>
    Array.from({ length: random.below(3) }, (_, at) => ({
      username,
      status: words[random.below(words.length)],
      url: 'https://ci.example.org/',
      date_created: seconds(world, 10 - at),
      percent: null,
      comment: 'build',
    })),
  );
  return { flags: [...made, { username: 7 }] };
}

/** Pagure's times are texts of seconds. */
function seconds({ nowMs }: CacheWorld, days: number): string {
  return String(Math.floor((nowMs - days * DAY_MS) / 1000));
}
