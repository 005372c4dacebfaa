const AROUND = 2;

/** What changed, as `diff -u` shows it, for an edit of one place: the lines between what both texts begin and end with. */
export function diffText(file: string, before: string, after: string): string {
  if (before === after) return '';
  const [old, now] = [before.split('\n'), after.split('\n')];
  let head = 0;
  while (head < Math.min(old.length, now.length) && old[head] === now[head]) head += 1;
  let tail = 0;
  const most = Math.min(old.length, now.length) - head;
  while (tail < most && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  const from = Math.max(0, head - AROUND);
  const same = (lines: readonly string[]) => lines.map((line) => ` ${line}`);
  const end = old.length - tail;
  const after_ = old.slice(end, end + AROUND).filter((line, at, all) => at < all.length - 1 || line !== '');
  const [removed, put] = [old.slice(head, end), now.slice(head, now.length - tail)];
  const shared = head - from + after_.length;
  return [
    `--- a/${file}`,
    `+++ b/${file}`,
    `@@ -${from + 1},${removed.length + shared} +${from + 1},${put.length + shared} @@`,
    ...same(old.slice(from, head)),
    ...removed.map((line) => `-${line}`),
    ...put.map((line) => `+${line}`),
    ...same(after_),
  ].join('\n');
}
