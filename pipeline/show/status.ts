import type { BuildsState, Found, StatusReport } from '../jobs/status.ts';
import { paint } from './colour.ts';
import { ageOf, grouped } from './monitor.ts';
import { byteSize } from './progress.ts';
import { safeText } from './text.ts';

const TABLES_SHOWN = 4;
const NAMES_SHOWN = 2;
const QUIET_MS = 24 * 3_600_000;

/** `samovar status`: ten lines or fewer, the last of them what to do next. */
export function statusText(report: StatusReport): string {
  const { builds, next } = report;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Database', databaseText(report)],
    ['At work', builds.state === 'missing' ? undefined : holdText(report)],
    ...(builds.state === 'there' ? insideLines(builds, report) : []),
    ['Queue', report.subscription],
    ['Mutation log', mutationText(report)],
    ['Caches', cacheText(report)],
    [
      'Report',
      report.reportAt === undefined
        ? undefined
        : `data/report/index.html, written ${ageOf(report.reportAt, report.nowMs)} ago`,
    ],
  ];
  return [
    ...facts.flatMap(([name, text]) => (text === undefined ? [] : [line(name, text)])),
    paint('stdout').bold(line('Next', `${next.command}   (${next.why})`)),
  ].join('\n');
}

function line(name: string, text: string): string {
  return `${`${name}:`.padEnd(14)}${safeText(text)}`;
}

function insideLines(
  builds: Found<BuildsState> & { readonly state: 'there' },
  report: StatusReport,
): readonly (readonly [string, string | undefined])[] {
  return [
    ['Buckets', rootsText(builds, report)],
    ['Tables', tablesText(builds, report)],
    ['Dead letters', lettersText(builds)],
  ];
}

function databaseText({ builds, file, diskFreeBytes }: StatusReport): string {
  if (builds.state === 'missing') return `${file} is not there yet`;
  if (builds.state === 'unreadable') return `${file}: ${builds.why}`;
  const { builds: all, finished, watched } = builds.builds;
  const room = diskFreeBytes === undefined ? '' : `, ${byteSize(diskFreeBytes)} free`;
  const size = byteSize(builds.fileBytes + builds.walBytes);
  return `${file}, ${counted(all, 'build')} (${grouped(finished)} finished, ${grouped(watched)} watched), ${size}${room}`;
}

function holdText({ hold, nowMs }: StatusReport): string | undefined {
  if (hold.state === 'free') return 'nobody';
  if (hold.state === 'unknown') return 'not known: the file that says so cannot be read';
  if (hold.holder === undefined) return 'another process';
  const { command, process: pid, host, since } = hold.holder;
  return `samovar ${command}, process ${pid} on ${host}, for ${ageOf(since, nowMs)}`;
}

/** The newest build, and which roots have had none for a day. */
function rootsText({ roots: known }: BuildsState, { roots, nowMs, demo }: StatusReport): string {
  const states = roots.map((url) => ({ url, newestAt: known.find((root) => root.url === url)?.newestAt }));
  const newest = Math.max(0, ...states.map(({ newestAt }) => newestAt ?? 0));
  const quiet = states.filter(({ newestAt }) => (newestAt ?? 0) < nowMs - QUIET_MS);
  const age = newest === 0 ? 'no builds yet' : `newest build ${ageOf(newest, nowMs)} old`;
  const names = quiet.slice(0, NAMES_SHOWN).map(({ url, newestAt }) => {
    return `${url} (${newestAt === undefined ? 'nothing yet' : ageOf(newestAt, nowMs)})`;
  });
  const more = quiet.length > names.length ? ` and ${quiet.length - names.length} more` : '';
  const told = newest === 0 || quiet.length === 0 ? '' : `; none for a day in ${names.join(', ')}${more}`;
  return `${counted(roots.length, 'root')}${demo ? ' of the demo' : ''}, ${age}${told}`;
}

/** Those with most waiting first, when there are too many for a line. */
function tablesText({ tables }: BuildsState, { warehouse, nowMs }: StatusReport): string {
  const shown = tables
    .toSorted((a, b) => (tables.length > TABLES_SHOWN ? b.waiting - a.waiting : 0))
    .slice(0, TABLES_SHOWN)
    .map(({ table, committed, waiting, oldestWaitingAt }) => {
      const behind =
        oldestWaitingAt === undefined
          ? ''
          : `, ${grouped(waiting)} waiting for ${ageOf(oldestWaitingAt, nowMs)}`;
      return `${table} ${grouped(committed)}${behind}`;
    });
  const more = tables.length > shown.length ? `; ${tables.length - shown.length} more` : '';
  const last = Math.max(0, ...tables.map(({ committedAt }) => committedAt ?? 0));
  const when = last === 0 ? 'never written' : `last written ${ageOf(last, nowMs)} ago`;
  return `${shown.join('; ')}${more} in ${warehouse}, ${when}`;
}

function lettersText({ deadLetters: { count, kinds, newer } }: BuildsState): string {
  if (count === 0) return 'none';
  const of = kinds.map(({ kind, count: some }) => `${grouped(some)} ${kind}`).join(', ');
  return `${grouped(count)} (${of}), ${newer === 0 ? 'none' : grouped(newer)} new within a day`;
}

function mutationText({ mutationLog, nowMs }: StatusReport): string | undefined {
  if (mutationLog.state === 'missing') return undefined;
  if (mutationLog.state === 'unreadable') return `${mutationLog.file}: ${mutationLog.why}`;
  const { repositories, changedAt } = mutationLog;
  const changed = changedAt === undefined ? '' : `, last change ${ageOf(changedAt, nowMs)} ago`;
  return `${counted(repositories, 'repository', 'repositories')} in ${mutationLog.file}${changed}`;
}

function cacheText({ cache, nowMs }: StatusReport): string | undefined {
  if (cache.state === 'missing') return undefined;
  if (cache.state === 'unreadable') return `${cache.file}: ${cache.why}`;
  const { providers, paused, failing, refreshedAt } = cache;
  const names = failing.slice(0, NAMES_SHOWN).join(', ');
  const more = failing.length > NAMES_SHOWN ? ` and ${failing.length - NAMES_SHOWN} more` : '';
  return [
    `${counted(providers, 'provider')} in ${cache.file}`,
    ...(refreshedAt === undefined ? [] : [`refreshed ${ageOf(refreshedAt, nowMs)} ago`]),
    ...(paused > 0 ? [`${paused} paused`] : []),
    ...(failing.length > 0 ? [`failing: ${names}${more}`] : []),
  ].join(', ');
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}
