import type { CacheRead } from '../../cache/contract.ts';
import { STATIC_BLOCKS } from './blocks.ts';
import { membersOf } from './members.ts';
import type { Query } from './names.ts';
import type { Form } from './package-answers.ts';
import type { BlockReads, KeyedReads, PackageReads } from './reads.ts';
import type { QueryPackages, Subjects } from './subjects.ts';
import { itemsOf } from './v2.ts';
import { isMissing } from './wishes.ts';

/** What the first generation of clients is told of a user beside his packages. */
interface UserPackages extends QueryPackages {
  readonly primary: readonly string[];
  readonly groups: readonly (readonly [group: string, packages: readonly string[]])[];
}

/**
 * `{status, error, bzs, prs, abrt_reports, static_info}`, each block `{status, data}` by package: 200 all is there, 202 a part
 * of it, 204 nothing yet.
 */
export const V1: Form<UserPackages> = {
  name: 'v1',
  find: findUser,
  render: ({ status, found, reads }) => {
    const blocks = reads.keyed.map((keyed) => `"${keyed.block.block}":${keyedJson(keyed, reads.packages)}`);
    const error = found.unknown.length > 0 ? `unknown: ${found.unknown.join(', ')}` : null;
    return `{"status":${status},"error":${JSON.stringify(error)},${blocks.join(',')},"static_info":${staticJson(found, reads)}}`;
  },
};

/** A user's own packages and those of his groups; or the one package. */
function findUser(subjects: Subjects, query: Query): UserPackages {
  const own = subjects.packagesOf(query);
  const [user] = query.users;
  const resolved = user === undefined ? undefined : subjects.resolve('user', user);
  const owned = resolved?.kind === 'found' ? resolved.owned : undefined;
  const groups = (owned?.groups ?? []).flatMap((group) => {
    const { packages } = subjects.packagesOf({ ...query, users: [], groups: [group], packages: [] });
    return packages.length === 0 ? [] : [[group, packages] as const];
  });
  const all = new Set([...own.packages, ...groups.flatMap(([, packages]) => packages)]);
  return { ...own, primary: own.packages, groups, packages: [...all].sort() };
}

function keyedJson(keyed: KeyedReads, packages: readonly string[]): string {
  const items: string[] = [];
  keyed.reads.forEach((read, at) => {
    if (!isMissing(read)) items.push(`${JSON.stringify(packages[at])}:${itemsOf(keyed, at)}`);
  });
  const hidden = keyed.privateReads?.reads ?? [];
  return `{"status":${statusOf(keyed, [...keyed.reads, ...hidden])},"data":{${items.join(',')}}}`;
}

function staticJson(found: UserPackages, reads: PackageReads): string {
  const members = reads.static.reads.map(({ json }) => (json === undefined ? undefined : membersOf(json)));
  const blocks = Object.entries(STATIC_BLOCKS).map(([block, { empty }]) => {
    const items = members.flatMap((one, at) =>
      one === undefined ? [] : [`${JSON.stringify(reads.packages[at])}:${one.get(block) ?? empty}`],
    );
    return `"${block}":{${items.join(',')}}`;
  });
  const names = `"packages":${JSON.stringify(found.packages)},"primary_packages":${JSON.stringify(found.primary)}`;
  const groups = `"group_packages":${JSON.stringify(Object.fromEntries(found.groups))}`;
  const isPartial = found.pending.length > 0 || reads.missingBlocks.length > 0;
  const status = isPartial ? 202 : statusOf(reads.static, reads.static.reads);
  return `{"status":${status},"data":{${names},${groups},${blocks.join(',')}}}`;
}

function statusOf({ availability }: BlockReads, reads: readonly CacheRead[]): 200 | 202 | 204 {
  const missing = reads.filter(isMissing).length;
  if (availability !== 'on' || missing === 0) return 200;
  return missing === reads.length ? 204 : 202;
}
