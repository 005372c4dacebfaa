import { BRANCHED, type CacheWorld, type DemoPackage, HUGE_TEXT, RAWHIDE, STABLE } from './cache-world.ts';
import { randomFor } from './random.ts';

const LIMIT_MAX = 20;

export interface BugQuery {
  readonly query: URLSearchParams;
  /** Somebody who may see private bugs asks. */
  readonly hasKey: boolean;
  readonly revision: number;
}

/** A page of a search of Bugzilla's REST API. Undefined: there is no such page. */
export function bugzillaAnswer(
  world: CacheWorld,
  path: string,
  { query, hasKey, revision }: BugQuery,
): unknown {
  if (path !== '/rest/bug') return undefined;
  const wanted = new Set(query.getAll('component'));
  const onlyPrivate = query.get('f1') === 'bug_group';
  const all = world.packages
    .filter(({ name }) => wanted.has(name))
    .flatMap((one) => bugsOf(world, one, revision))
    .filter(({ groups }) => (groups.length === 0 ? !onlyPrivate : hasKey));
  const limit = Math.min(LIMIT_MAX, Number(query.get('limit') ?? LIMIT_MAX));
  const offset = Number(query.get('offset') ?? 0);
  const bugs: unknown[] = all.slice(offset, offset + limit);
  return { bugs, limit, offset, total_matches: all.length };
}

function bugsOf(world: CacheWorld, one: DemoPackage, revision: number) {
  const random = randomFor(world.seed, 'bugs', one.name);
  const made = Array.from({ length: 1 + random.below(6) }, (_, at) => bug(world, one, at, revision));
  const [first] = made;
  if (first === undefined || random.next() < 0.7) return made;
  return [...made, { ...first, id: first.id + 500, summary: HUGE_TEXT }];
}

function bug(world: CacheWorld, { name }: DemoPackage, at: number, revision: number) {
  const random = randomFor(world.seed, 'bug', name, at);
  const isEpel = random.next() < 0.15;
  const ranks = ['unspecified', 'low', 'medium', 'high', 'urgent'];
  const version = isEpel
    ? 'epel9'
    : ['rawhide', ...STABLE, BRANCHED, RAWHIDE, ''].map(String)[random.below(6)];
  return {
    id: 2_300_000 + (randomFor(name).below(20_000) * 10 + at),
    summary: summaryOf(name, at, random.below(4)),
    status: ['NEW', 'ASSIGNED', 'MODIFIED', 'ON_QA', 'POST'][random.below(5)],
    product: isEpel ? 'Fedora EPEL' : 'Fedora',
    component: [name],
    version: [version],
    keywords: random.next() < 0.3 ? ['Triaged', 'FTBFS'].slice(0, 1 + random.below(2)) : [],
    priority: ranks[random.below(5)],
    severity: ranks[random.below(5)],
    comment_count: random.below(12) + (at === 0 ? revision : 0),
    creation_time: iso(world, 90 + random.below(300)),
    last_change_time: iso(world, random.below(80)),
    // Bugs of security teams are seen by few until they are public.
    groups: random.next() < 0.12 ? ['fedora_contrib_private'] : [],
  };
}

function summaryOf(name: string, at: number, kind: number): string {
  if (at === 3) return `<img src=x onerror=alert(1)> ${name} "crashes" & burns`;
  const kinds = [`${name}-9.9 is available`, `${name}: FTBFS in Fedora`, `${name} crashes at start`];
  return kinds[kind] ?? `[abrt] ${name}: segmentation fault in main()`;
}

function iso({ nowMs }: CacheWorld, days: number): string {
  return `${new Date(nowMs - days * 86_400_000).toISOString().slice(0, 19)}Z`;
}
