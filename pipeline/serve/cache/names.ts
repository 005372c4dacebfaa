import { HttpRefusal } from './refusal.ts';

/** A request asks for at most so many names, users, groups and packages together. */
const NAMES_MAX = 1_000;
const NAME = /^[A-Za-z0-9_][\w.+@-]{0,127}$/;
const QUERY_CHARS_MAX = 12_000;

/** Nobody's packages. Not a person, and not asked for with others. */
export const ORPHAN = 'orphan';

/** What an answer is about. */
export interface Query {
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly packages: readonly string[];
  readonly acl: 'commit' | 'admin';
}

/** Of the v2 address. Each list sorted, without repetitions: the same question is the same query. */
export function queryOf(url: URL): Query {
  if (url.search.length > QUERY_CHARS_MAX)
    throw new HttpRefusal(
      414,
      `the query has ${url.search.length} characters, at most ${QUERY_CHARS_MAX} may be: ask for fewer names at once`,
    );
  const query = {
    users: listOf(url, 'users'),
    groups: listOf(url, 'groups'),
    packages: listOf(url, 'packages'),
    acl: aclOf(url),
  };
  assertNumbers(query);
  return query;
}

function assertNumbers({ users, groups, packages }: Query): void {
  const count = users.length + groups.length + packages.length;
  if (count === 0) throw new HttpRefusal(400, 'name whom to answer about: users=, groups= or packages=');
  if (count > NAMES_MAX)
    throw new HttpRefusal(413, `${count} names, at most ${NAMES_MAX} may be: ask for fewer at once`);
  if (users.includes(ORPHAN) && count > 1)
    throw new HttpRefusal(
      400,
      `the user ${ORPHAN} stands for packages without an owner: ask for it by itself`,
    );
}

function listOf(url: URL, parameter: string): readonly string[] {
  const names = url.searchParams
    .getAll(parameter)
    .flatMap((value) => value.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
  for (const name of names) assertName(name, parameter);
  return [...new Set(names)].sort();
}

/** A name as users, groups and packages have it; refuses any other, so that no key of a store is made of it. */
export function assertName(name: string, what: string): string {
  if (NAME.test(name)) return name;
  const shown = JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
  throw new HttpRefusal(
    400,
    `${what}: ${shown} is no name: at most 128 letters, digits, and . _ + - @ inside`,
  );
}

function aclOf(url: URL): Query['acl'] {
  const acl = url.searchParams.get('required_acl') ?? 'commit';
  if (acl === 'commit' || acl === 'admin') return acl;
  throw new HttpRefusal(400, `required_acl: give commit or admin, not ${JSON.stringify(acl.slice(0, 40))}`);
}
