import {
  BRANCHED,
  type CacheWorld,
  type DemoPackage,
  daysAgo,
  HUGE_TEXT,
  numberIn,
  nvrOf,
  pageOf,
  RAWHIDE,
  STABLE,
} from './cache-world.ts';
import { randomFor } from './random.ts';

const ROWS_MAX = 25;
const UPDATES = 64;

/** Answers in Bodhi's own shape. `revision` counts what has changed since the start. Undefined: there is no such page. */
export function bodhiAnswer(
  world: CacheWorld,
  path: string,
  query: URLSearchParams,
  revision: number,
): unknown {
  if (path === '/releases/') return paged('releases', releases(), query);
  if (path === '/updates/') return paged('updates', updates(world, revision), query);
  if (path === '/overrides/') return paged('overrides', overrides(world), query);
  return undefined;
}

function paged(member: string, items: readonly unknown[], query: URLSearchParams) {
  const size = Math.min(ROWS_MAX, numberIn(query, 'rows_per_page', 20));
  const page = numberIn(query, 'page', 1);
  const pages = Math.max(1, Math.ceil(items.length / size));
  return { [member]: pageOf(items, page, size), page, pages, rows_per_page: size, total: items.length };
}

function releases(): readonly unknown[] {
  const fedora = [
    ...STABLE.map((number) => release(`F${number}`, `Fedora ${number}`, `f${number}`, 'current')),
    release(`F${BRANCHED}`, `Fedora ${BRANCHED}`, `f${BRANCHED}`, 'frozen'),
    release(`F${RAWHIDE}`, `Fedora ${RAWHIDE}`, 'rawhide', 'pending'),
    release(`F${STABLE[1]}F`, `Fedora ${STABLE[1]} Flatpaks`, `f${STABLE[1]}`, 'current'),
    release('ELN', 'Fedora ELN', 'eln', 'current'),
  ];
  const epel = [8, 9, '10.1', '10.2'].map((version) =>
    release(`EPEL-${version}`, `Fedora EPEL ${version}`, `epel${version}`, 'current'),
  );
  return [...fedora, ...epel, { name: null, state: 7 }, 'a release that is a text'];
}

function release(name: string, longName: string, branch: string, state: string) {
  const version = name.replace(/^\D+/, '');
  return {
    name,
    long_name: longName,
    version,
    id_prefix: name.startsWith('EPEL') ? 'FEDORA-EPEL' : 'FEDORA',
    branch,
    dist_tag: branch === 'rawhide' ? `f${RAWHIDE}` : branch,
    state,
    composed_by_bodhi: branch !== 'rawhide',
    testing_repository: 'updates-testing',
    released_on: null,
    eol: null,
  };
}

function updates(world: CacheWorld, revision: number): readonly unknown[] {
  const made = Array.from({ length: UPDATES }, (_, at) => update(world, at, revision));
  const [first] = made;
  return [
    ...made,
    { ...first, alias: 'FEDORA-HUGE', title: HUGE_TEXT, builds: [] },
    { ...first, alias: 'FEDORA-PROTO', builds: [{ nvr: '__proto__-1-1' }] },
    { alias: ['no text'], status: {}, builds: 'none' },
    null,
  ];
}

function update(world: CacheWorld, at: number, revision: number) {
  const random = randomFor(world.seed, 'update', at);
  const number = [...STABLE, BRANCHED][random.below(3)] ?? BRANCHED;
  const builds = Array.from({ length: 1 + random.below(3) }, () => pick(world, random.below(1e6)));
  const nvrs = builds.map((one) => nvrOf(one, `fc${number}`, 1 + random.below(4)));
  const alias = `FEDORA-2026-${random.hex(10)}`;
  const days = random.below(20) + random.next();
  const testing = random.next() < 0.7;
  return {
    alias,
    updateid: alias,
    title: at === 1 ? '<script>alert("title")</script> & "quotes"' : nvrs.join(' '),
    url: `https://bodhi.example.org/updates/${alias}`,
    type: ['bugfix', 'security', 'enhancement', 'newpackage'][random.below(4)],
    status: testing ? 'testing' : 'pending',
    request: testing ? null : 'testing',
    karma: random.below(4) - 1 + (at === 0 ? revision : 0),
    comments: Array.from({ length: random.below(5) }, (_, id) => ({ id, text: 'works for me', karma: 1 })),
    date_submitted: daysAgo(world, days + 1),
    date_testing: testing ? daysAgo(world, days) : null,
    autotime: random.next() < 0.8,
    stable_days: 7,
    release: release(`F${number}`, `Fedora ${number}`, `f${number}`, 'current'),
    builds: nvrs.map((nvr) => ({ nvr, type: 'rpm', epoch: 0 })),
  };
}

function overrides(world: CacheWorld): readonly unknown[] {
  const made = Array.from({ length: 9 }, (_, at) => {
    const random = randomFor(world.seed, 'override', at);
    const nvr = nvrOf(pick(world, random.below(1e6)), at % 4 === 0 ? 'el9' : `fc${STABLE[at % 2] ?? 42}`);
    return {
      nvr,
      url: `https://bodhi.example.org/overrides/${nvr}`,
      build: { nvr, type: 'rpm' },
      submitter: { name: world.users[random.below(world.users.length)] },
      notes: 'needed to build what depends on it',
      submission_date: daysAgo(world, random.below(6)),
      expiration_date: daysAgo(world, -random.below(9) - 1),
      expired_date: null,
    };
  });
  return [...made, { nvr: 'nodashes' }];
}

function pick({ packages }: CacheWorld, number: number): DemoPackage {
  const found = packages[number % packages.length];
  if (found === undefined) throw new RangeError('there are no packages');
  return found;
}
