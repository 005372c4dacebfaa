import { fieldsOf, type Grouped, group, linkOf, listOf, nameOf, sift, textOf, wholeOf } from './fields.ts';
import { labelOf } from './releases.ts';
import { addDays, msOf, timeOf, timeText } from './times.ts';

export type Update = {
  readonly pretty_name: string;
  readonly updateid: string;
  readonly url: string | null;
  readonly type: string;
  readonly status: string;
  readonly release: string;
  readonly karma: number;
  /** How many. */
  readonly comments: number;
  readonly submission_date: string | null;
  /** When it goes to stable by itself; null: it does not. */
  readonly stable_by_time: string | null;
  readonly builds_nvrs: readonly string[];
};

export type Override = {
  readonly pretty_name: string;
  readonly url: string | null;
  readonly release: string;
  readonly submission_date: string | null;
  readonly expiration_date: string | null;
};

export interface ByPackage<T> {
  readonly value: Grouped<T>;
  readonly leftOut: number;
}

/** Name of the package of a name-version-release. */
export function packageOf(nvr: string): string | undefined {
  return nameOf(/^(.+)-[^-]+-[^-]+$/.exec(nvr)?.[1]);
}

/** Updates under every package that has a build in them, the newest first. An update that two pages name is there once. */
export function updatesValue(list: readonly unknown[], rawhide: number | undefined): ByPackage<Update> {
  const { items, leftOut } = sift(list, 'the updates of Bodhi', (item) => updateOf(item, rawhide));
  const byId = new Map(items.map((update) => [update.updateid, update]));
  const newest = [...byId.values()].sort(newestFirst(({ updateid }) => updateid));
  const pairs = newest.flatMap((update) =>
    [...new Set(update.builds_nvrs.map(packageOf))].flatMap((name) =>
      name === undefined ? [] : ([[name, update]] as const),
    ),
  );
  return { value: group(pairs), leftOut };
}

export function overridesValue(list: readonly unknown[], rawhide: number | undefined): ByPackage<Override> {
  const { items, leftOut } = sift(list, 'the overrides of Bodhi', (item) => overrideOf(item, rawhide));
  const byName = new Map(items.map((override) => [override.pretty_name, override]));
  const newest = [...byName.values()].sort(newestFirst(({ pretty_name }) => pretty_name));
  return {
    value: group(newest.map((override) => [packageOf(override.pretty_name) ?? '', override] as const)),
    leftOut,
  };
}

function updateOf(item: unknown, rawhide: number | undefined): Update | undefined {
  const fields = fieldsOf(item);
  const updateid = textOf(fields?.alias) ?? textOf(fields?.updateid);
  const status = textOf(fields?.status);
  const nvrs = (listOf(fields?.builds) ?? []).map((build) => textOf(fieldsOf(build)?.nvr));
  const builds = nvrs.filter((nvr) => nvr !== undefined && packageOf(nvr) !== undefined) as string[];
  if (fields === undefined || updateid === undefined || status === undefined || builds.length === 0)
    return undefined;
  return {
    pretty_name: textOf(fields.title) ?? builds.join(' '),
    updateid,
    url: linkOf(fields.url) ?? null,
    type: textOf(fields.type) ?? 'unspecified',
    status,
    release: releaseLabel(fields.release, rawhide),
    karma: wholeOf(fields.karma) ?? 0,
    comments: listOf(fields.comments)?.length ?? 0,
    submission_date: timeOf(fields.date_submitted) ?? null,
    stable_by_time: stableByTime(fields.autotime, fields.date_testing, fields.stable_days),
    builds_nvrs: builds.sort(),
  };
}

function overrideOf(item: unknown, rawhide: number | undefined): Override | undefined {
  const fields = fieldsOf(item);
  const build = fieldsOf(fields?.build);
  const nvr = textOf(fields?.nvr) ?? textOf(build?.nvr);
  if (fields === undefined || nvr === undefined || packageOf(nvr) === undefined) return undefined;
  return {
    pretty_name: nvr,
    url: linkOf(fields.url) ?? null,
    release: releaseLabel(build?.release ?? fields.release, rawhide, nvr),
    submission_date: timeOf(fields.submission_date) ?? null,
    expiration_date: timeOf(fields.expiration_date) ?? null,
  };
}

/** Overrides name no release: it is told by the build's dist tag. */
function releaseLabel(value: unknown, rawhide: number | undefined, nvr = ''): string {
  const release = fieldsOf(value);
  const name = textOf(release?.name) ?? '';
  const tag = /\.(?:fc(\d+)|(el\d+)|(eln)\d*)(?:[._]|$)/.exec(nvr);
  const word = name === '' && tag !== null ? (tag[2] ?? tag[3] ?? `f${tag[1]}`) : name;
  return labelOf(word, rawhide) ?? textOf(release?.long_name) ?? (name || 'Fedora');
}

function stableByTime(autotime: unknown, testing: unknown, days: unknown): string | null {
  const sinceMs = msOf(testing);
  const wait = wholeOf(days);
  if (autotime !== true || sinceMs === undefined || wait === undefined || wait < 0 || wait > 3650)
    return null;
  return timeText(addDays(sinceMs, wait));
}

function newestFirst<T extends { readonly submission_date: string | null }>(id: (item: T) => string) {
  const keyOf = (item: T) => `${item.submission_date ?? ''} ${id(item)}`;
  return (a: T, b: T) => (keyOf(a) < keyOf(b) ? 1 : -1);
}
