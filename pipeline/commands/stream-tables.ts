import { kettleLedgerOf, loadTables, type TableConfig } from '../config/tables.ts';
import { SamovarError } from '../errors.ts';

const HOUR_MS = 3_600_000;

/**
 * The tables of a stream: the tables file's, or those that Kettle's `--tables day:1 week:7 all:0` names. One that the file has
 * keeps its other settings. Throws `config`.
 */
export async function streamTables(
  file: string,
  named: readonly string[] | undefined,
): Promise<readonly TableConfig[]> {
  const configured = await loadTables(file);
  if (named === undefined || named.length === 0) return configured;
  return named.map((text) => {
    const [, name = '', days = ''] = /^([A-Za-z_][A-Za-z0-9_]{0,299}):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
    if (name === '') {
      throw new SamovarError('config', `--tables ${text} is no NAME:DAYS`, {
        remedy: 'Write it as Kettle does: --tables day:1 week:7 all:0 (0 days is everything).',
      });
    }
    const known =
      configured.find((table) => table.name === name) ?? tableWithDefaults(configured, name, Number(days));
    return { ...known, days: Number(days) };
  });
}

function tableWithDefaults(configured: readonly TableConfig[], name: string, days: number): TableConfig {
  const [first] = configured;
  if (first === undefined)
    throw new SamovarError('config', 'the tables file has no table', {
      remedy: 'Name one under `tables:` there, as config/tables.yaml does.',
    });
  return {
    name,
    days,
    cluster: [],
    writer: 'load',
    kettleLedger: kettleLedgerOf(days),
    schemaFile: first.schemaFile,
  };
}

/** When this hour of local time begins next, in epoch milliseconds. Throws `config` for what is no hour. */
export function nextHour(hour: number, nowMs: number): number {
  if (!Number.isInteger(hour) || hour < 0 || hour > 23) {
    throw new SamovarError('config', `--stop_at ${hour} is no hour`, {
      remedy: 'Give a whole number from 0 to 23.',
    });
  }
  // An hour at a time: days with a changed clock have 23 or 25 of them.
  const start = new Date(nowMs);
  start.setMinutes(0, 0, 0);
  let atMs = start.getTime() + HOUR_MS;
  while (new Date(atMs).getHours() !== hour) atMs += HOUR_MS;
  return atMs;
}
