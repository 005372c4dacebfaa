import type { Finding, LogCheck } from '../mutation-log/check.ts';
import type { RepairResult } from '../mutation-log/repair.ts';
import { byteSize } from './progress.ts';

/** What `mutation-log verify` says: a line of numbers, then a line for each thing that is wrong. */
export function checkText({ url, segments, records, bytes, findings, notes }: LogCheck): string {
  const verdict = findings.length === 0 ? 'all is right' : `${findings.length} things are wrong`;
  return [
    `${url}: ${segments} segments, ${records} records, ${byteSize(bytes)}: ${verdict}`,
    ...findings.map(findingText),
    ...notes.map((note) => `note: ${note}`),
    ...(findings.length === 0 ? [] : ['`samovar mutation-log repair` shows what can be done.']),
  ].join('\n');
}

export function repairText({ url, dryRun, steps }: RepairResult): string {
  if (steps.length === 0) return `${url}: all is right, nothing to repair`;
  const lines = steps.flatMap(({ finding, action, quarantine, bytes }) => [
    findingText(finding),
    `  ${dryRun ? 'would be' : 'done'}: ${action}`,
    ...(quarantine === undefined ? [] : [`  ${bytes > 0 ? byteSize(bytes) : 'a copy'} in ${quarantine}`]),
  ]);
  const end = dryRun
    ? 'Nothing was done: say --yes for that.'
    : 'Repaired. Whoever has replayed this log beyond a cut must replay it with --rebuild.';
  return [...lines, end].join('\n');
}

function findingText({ kind, subject, segment, offset, reason }: Finding): string {
  const place = [
    ...(segment === undefined ? [] : [`segment ${segment}`]),
    ...(offset === undefined ? [] : [`byte ${offset}`]),
  ].join(', ');
  return `${kind}: ${subject}${place === '' ? '' : ` (${place})`}: ${reason}`;
}
