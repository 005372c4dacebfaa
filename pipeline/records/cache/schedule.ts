import { fieldsOf, firstOf, listOf, sift, textOf } from './fields.ts';
import { dayText, msOf } from './times.ts';

export type Schedule = {
  readonly schedule: readonly {
    readonly summary: string;
    /** `YYYY-MM-DD`. */
    readonly date: string;
    /** The next one that is due. */
    readonly current: boolean;
  }[];
};

/** What a release's key tasks are called, and what the dashboard says instead. */
const MILESTONES = [
  [/branch .*from rawhide|^branch/i, 'Branch'],
  [/beta freeze/i, 'Beta freeze'],
  [/beta (release|target)|current beta target/i, 'Beta target'],
  [/final freeze/i, 'Final freeze'],
  [/final (release|target)|ga\)|current final target/i, 'Final target'],
  [/eol|end of life/i, 'EOL'],
] as const;

/** Of a release's key schedule (f-N-key.json): its milestones, each at the last day that is named for it. */
export function scheduleValue(
  document: unknown,
  release: number,
  nowMs: number,
): { readonly value: Schedule; readonly leftOut: number } {
  const top = fieldsOf(firstOf(fieldsOf(document)?.tasks));
  const inner = fieldsOf(firstOf(listOf(top?.tasks)));
  const { items, leftOut } = sift(inner?.tasks, 'the schedule of the release', taskOf);
  const today = dayText(nowMs);
  const days = MILESTONES.flatMap(([pattern, name]) => {
    const tasks = items.filter((task) => pattern.test(task.name));
    const last = tasks.sort(byDate).at(-1);
    // The end of an older release stands in the schedule of a newer one.
    const number = /\bF(?:edora )?(\d{2,3})\b/i.exec(last?.name ?? '')?.[1] ?? release;
    return last === undefined ? [] : [{ summary: `Fedora ${number} ${name}`, date: last.date }];
  }).sort(byDate);
  const next = days.findIndex(({ date }) => date >= today);
  return { value: { schedule: days.map((day, at) => ({ ...day, current: at === next })) }, leftOut };
}

function byDate(a: { readonly date: string }, b: { readonly date: string }): number {
  return a.date < b.date ? -1 : Number(a.date > b.date);
}

function taskOf(item: unknown): { readonly name: string; readonly date: string } | undefined {
  const fields = fieldsOf(item);
  const name = textOf(fields?.name);
  const ms = msOf(fields?.end);
  return name === undefined || ms === undefined ? undefined : { name, date: dayText(ms) };
}
