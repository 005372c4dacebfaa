import type { StatusReport } from './status.ts';

/** One command, and why. */
export interface NextStep {
  readonly command: string;
  readonly why: string;
}

const HOUR_MS = 3_600_000;
/** A database that nobody has written to for so long is not looked after: Kettle's monitor calls for people then. */
const QUIET_MS = 6 * HOUR_MS;
const PAGES_FEW = 1_000_000;
const DISK_FEW_BYTES = 1e9;

type Known = Omit<StatusReport, 'next'>;
type Rule = (known: Known) => NextStep | undefined;

/** The first that holds: what stops everything comes before what stops something. */
const RULES: readonly Rule[] = [
  ({ builds, demo, file }) =>
    builds.state === 'missing'
      ? {
          command: 'samovar update',
          why: demo
            ? 'nothing was collected yet; nothing is configured either, so it makes a demo and collects that'
            : `nothing was collected yet: ${file} is not there`,
        }
      : undefined,
  ({ builds, file }) => {
    if (builds.state !== 'unreadable') return undefined;
    if (builds.kind === 'kettle')
      return { command: 'samovar update', why: `it upgrades Kettle's ${file}, and keeps a copy` };
    return { command: 'samovar doctor', why: `${file} cannot be used: ${builds.why}` };
  },
  ({ diskFreeBytes }) =>
    diskFreeBytes !== undefined && diskFreeBytes < DISK_FEW_BYTES
      ? { command: 'samovar prune', why: 'the disk is nearly full, and raw XML can go' }
      : undefined,
  ({ builds }) =>
    builds.state === 'there' && builds.pagesLeft < PAGES_FEW
      ? { command: 'samovar prune', why: "the database nears SQLite's largest size" }
      : undefined,
  ({ hold }) =>
    hold.state === 'held'
      ? {
          command: 'samovar monitor',
          why: `work is under way (samovar ${hold.holder?.command ?? '?'}): look again later`,
        }
      : undefined,
  ({ builds }) => {
    const waiting = builds.state === 'there' ? builds.tables.filter((table) => table.waiting > 0) : [];
    const names = waiting.map(({ table }) => table).join(', ');
    return waiting.length > 0
      ? {
          command: 'samovar update',
          why: `builds wait for ${waiting.length === 1 ? 'table' : 'tables'} ${names}`,
        }
      : undefined;
  },
  ({ builds }) =>
    builds.state === 'there' && builds.deadLetters.newer > 0
      ? { command: 'samovar dead-letters list', why: 'something was set aside within a day' }
      : undefined,
  ({ builds, nowMs }) =>
    builds.state === 'there' && builds.builds.builds > 0 && newestBuild(builds.roots) < nowMs - QUIET_MS
      ? { command: 'samovar update', why: 'no build is younger than 6 hours' }
      : undefined,
  ({ builds }) =>
    builds.state === 'there' && builds.builds.builds === 0
      ? { command: 'samovar doctor', why: 'the database has no builds: can the buckets be read?' }
      : undefined,
  ({ builds, reportAt }) => {
    if (builds.state !== 'there') return undefined;
    const loadedAt = Math.max(0, ...builds.tables.map(({ committedAt }) => committedAt ?? 0));
    if (loadedAt <= (reportAt ?? 0)) return undefined;
    const why = reportAt === undefined ? 'there is no report yet' : 'the report is older than the tables';
    return { command: 'samovar report', why: `all is up to date, and ${why}` };
  },
];

export function nextStep(known: Known): NextStep {
  for (const rule of RULES) {
    const step = rule(known);
    if (step !== undefined) return step;
  }
  return {
    command: 'samovar query flaky-tests',
    why: 'all is up to date: see which tests fail and pass on one commit',
  };
}

function newestBuild(roots: readonly { readonly newestAt: number | undefined }[]): number {
  return Math.max(0, ...roots.map(({ newestAt }) => newestAt ?? 0));
}
