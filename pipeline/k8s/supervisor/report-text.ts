import type { Report } from './contract.ts';

/** One line: what a pass found and did. */
export function reportLine({
  outcome,
  repositories,
  workers,
  done,
  failed,
  held,
  paused,
  list,
}: Report): string {
  const parts = [
    `${repositories} repositories`,
    `${workers} workers`,
    ...amount(done.length, 'steps taken'),
    ...amount(failed.length, 'failed'),
    ...amount(held.length, 'waiting'),
    ...amount(paused.length, 'paused'),
    ...(list === undefined ? [] : ['the list could not be read']),
  ];
  return `${outcome}: ${parts.join(', ')}`;
}

/** All of it, for a person; `would` in a dry run. */
export function reportText(report: Report): string {
  const { done, failed, held, paused, ignored, list, dryRun } = report;
  return [
    ...done.map((text) => `${dryRun ? 'would ' : ''}${text}`),
    ...failed.map(({ step, reason }) => `failed: ${step}: ${reason}`),
    ...held.map(({ name, why }) => `waits: ${name}: ${why}`),
    ...paused.map((name) => `paused: ${name}: scaled to 0 by somebody, left so`),
    ...ignored.map(
      (name) => `ignored: ${name}: has the label of a supervisor, and a name that it gives to nothing`,
    ),
    ...(list === undefined ? [] : [`the list could not be read: ${list}`]),
    reportLine(report),
  ].join('\n');
}

function amount(count: number, what: string): readonly string[] {
  return count === 0 ? [] : [`${count} ${what}`];
}
