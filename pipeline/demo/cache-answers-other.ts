import { BRANCHED, type CacheWorld, DAY_MS, daysAgo, nvrOf, RAWHIDE, STABLE } from './cache-world.ts';
import { randomFor } from './random.ts';

/** All packages in all collections. */
export function koscheiAnswer(world: CacheWorld, path: string, revision: number): unknown {
  if (path !== '/api/v1/packages') return undefined;
  const collections = [`f${BRANCHED}`, `f${RAWHIDE}`, 'epel9'];
  const made = collections.flatMap((collection) =>
    world.packages.map(({ name, version }, at) => {
      const random = randomFor(world.seed, 'koschei', collection, name);
      const isOk = random.next() < 0.8 && !(revision % 2 === 1 && at === 0);
      const built = random.next() < 0.95;
      return {
        name,
        collection,
        state: isOk ? 'ok' : ['failing', 'unresolved', 'unknown'][random.below(3)],
        last_complete_build: built
          ? {
              task_id: 120_000_000 + random.below(9_000_000),
              time_started: daysAgo(world, 3.1),
              time_finished: daysAgo(world, random.below(30) + 3),
              epoch: 0,
              version,
              release: `1.fc${RAWHIDE}`,
            }
          : null,
      };
    }),
  );
  return [...made, { name: '__proto__', collection: 'f44', state: 'ok' }, { name: 3 }, null];
}

/** Problems of a component; one of some packages happens far oftener than the others. */
export function fafAnswer(world: CacheWorld, path: string, query: URLSearchParams): unknown {
  if (path !== '/problems/') return undefined;
  const name = query.get('component_names') ?? '';
  if (!world.packages.some((one) => one.name === name)) return { problems: [] };
  const random = randomFor(world.seed, 'faf', name);
  const count = random.next() < 0.5 ? 0 : 12 + random.below(8);
  const problems: unknown[] = Array.from({ length: count }, (_, at) => ({
    id: 700_000 + random.below(90_000) * 20 + at,
    components: [name],
    crash_function: ['main', 'g_object_unref', 'PyErr_Occurred', 'raise'][random.below(4)],
    count: at === 0 ? 900 + random.below(100) : 1 + random.below(9),
    bugs: [],
    status: 'NEW',
    type: 'core',
    reports: [{ id: random.below(1e6) }],
  }));
  if (count > 0) problems.push({ id: 'x' });
  return { problems };
}

/** Of the orphans some are needed by others, over several steps. */
export function orphansAnswer(world: CacheWorld, revision: number): unknown {
  const orphans = world.packages.filter(({ users }) => users[0] === 'orphan');
  const others = world.packages.filter(({ users }) => users[0] !== 'orphan');
  const affected = others.slice(0, 20).map(({ name }, at) => {
    // A chain with a ring in it: what needs what is no tree.
    const needed = at < 6 ? orphans[at % orphans.length] : others[at - 6];
    const ring = at === 3 ? [others[9]?.name] : [];
    return [name, [needed?.name, ...ring].filter((one) => one !== undefined)];
  });
  const changes = orphans.map(({ name }, at) => [name, `${daysAgo(world, 10 + at * 9).replace(' ', 'T')}Z`]);
  const found = Array.from({ length: revision }, (_, at) => [`abandoned-${at + 1}`, `${daysAgo(world, 1)}`]);
  return {
    status_change: Object.fromEntries([...changes, ...found, ['__proto__', 'yesterday']]),
    affected_packages: Object.fromEntries([...affected, ['<svg>', ['gtk4']], ['half', 'gtk4']]),
  };
}

/** Versions of all packages in one document, and as an mdapi one by one. */
export function mdapiAnswer(world: CacheWorld, path: string): unknown {
  if (path === '/versions.json') {
    const all = world.packages.map((one) => [
      one.name,
      Object.fromEntries(
        [...STABLE, BRANCHED, RAWHIDE].map((number) => [
          number === RAWHIDE ? 'rawhide' : `f${number}`,
          {
            stable: nvrOf(one, `fc${number}`),
            testing: number === BRANCHED ? nvrOf(one, `fc${number}`, 2) : null,
          },
        ]),
      ),
    ]);
    return Object.fromEntries([...all, ['__proto__', { f42: {} }], ['none', 7]]);
  }
  const [, branch, name] = /^\/([\w.-]+)\/srcpkg\/([^/]+)$/.exec(path) ?? [];
  const one = world.packages.find((known) => known.name === decodeURIComponent(name ?? ''));
  if (one === undefined || branch === undefined || branch.startsWith('epel')) return undefined;
  const repo = branch === `f${BRANCHED}` ? 'updates-testing' : 'release';
  const release = `1.fc${branch === 'rawhide' ? RAWHIDE : branch.slice(1)}`;
  return { arch: 'src', basename: one.name, version: one.version, release, epoch: '0', repo };
}

/** Milestones of the release that is made, as its schedule's key tasks. */
export function scheduleAnswer(world: CacheWorld, path: string): unknown {
  if (path !== `/f-${BRANCHED}/f-${BRANCHED}-key.json`) return undefined;
  const tasks = [
    [`Branch Fedora ${BRANCHED} from Rawhide`, -40],
    ['Beta Freeze (*)', -20],
    ['Current Beta Target date', 5],
    ['Final Freeze (*)', 25],
    ['Current Final Target date', 40],
    ['Rawhide Branching for the one after', 90],
    [`Fedora ${STABLE[0]} EOL auto closure`, 70],
  ] as const;
  const inner = tasks.map(([name, days]) => ({
    name,
    start: Math.floor(world.nowMs / 1000),
    end: Math.floor((world.nowMs + days * DAY_MS) / 1000),
    type: 'Milestone',
  }));
  return { name: 'f-43', tasks: [{ name: 'top', tasks: [{ name: 'key', tasks: [...inner, { name: 9 }] }] }] };
}

/** A calendar with single and repeated events; one repeats every second and never ends. */
export function calendarText(world: CacheWorld): string {
  const day = (days: number) =>
    new Date(world.nowMs + days * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');
  const event = (uid: number, lines: readonly string[]) =>
    [
      'BEGIN:VEVENT',
      `UID:${uid}@calendar.example.org`,
      `DTSTAMP:${day(0)}T000000Z`,
      ...lines,
      'END:VEVENT',
    ].join('\r\n');
  return [
    'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//packages//EN',
    event(1, [
      `DTSTART;VALUE=DATE:${day(12)}`,
      'SUMMARY:GNOME 50 beta\\, tarballs due',
      'CATEGORIES:gnome-shell,mutter',
      'URL:https://release.example.org/gnome',
    ]),
    event(2, [
      `DTSTART:${day(-700)}T120000Z`,
      'RRULE:FREQ=MONTHLY',
      'SUMMARY:Kernel rebase',
      'CATEGORIES:kernel',
    ]),
    event(3, [`DTSTART:${day(-900)}T120000Z`, 'RRULE:FREQ=SECONDLY', 'SUMMARY:tick', 'CATEGORIES:glibc']),
    event(4, [`DTSTART;VALUE=DATE:${day(-30)}`, 'SUMMARY:over', 'CATEGORIES:bash']),
    event(5, [
      `DTSTART;VALUE=DATE:${day(20)}`,
      'SUMMARY:<b>script</b>',
      'URL:javascript:alert(1)',
      'CATEGORIES:vim,__proto__',
    ]),
    event(6, ['DTSTART:not a day', 'SUMMARY:broken', 'CATEGORIES:emacs']),
    'END:VCALENDAR',
    '',
  ].join('\r\n');
}
