/** Who answers for failures: the first rule of which all that it says is true. Texts are globs where `*` stands for anything. */
export interface OwnerRule {
  readonly owner: string;
  readonly test?: string;
  readonly job?: string;
  readonly text?: string;
}

export interface OwnedFailure {
  readonly test: string;
  readonly job: string;
  readonly text: string;
  readonly failures: number;
}

const SIG = /\[(sig-[a-z0-9-]{1,60})\]/i;

/** The owner of most of the failures: by rule, else by the `[sig-...]` of the test's name. Equal ones: the first by name. */
export function ownerOf(failures: Iterable<OwnedFailure>, rules: readonly OwnerRule[]): string | undefined {
  const counts = new Map<string, number>();
  for (const failure of failures) {
    const owner = rules.find((rule) => applies(rule, failure))?.owner ?? sigOf(failure.test);
    if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + failure.failures);
  }
  const [best] = [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
  return best?.[0];
}

function sigOf(test: string): string | undefined {
  return SIG.exec(test)?.[1]?.toLowerCase();
}

function applies(rule: OwnerRule, failure: OwnedFailure): boolean {
  return (['test', 'job', 'text'] as const).every((key) => {
    const glob = rule[key];
    return glob === undefined || matchesGlob(failure[key], glob);
  });
}

/** Linear, whatever the glob: each part is looked for after the one before. */
export function matchesGlob(text: string, glob: string): boolean {
  const [head = '', ...rest] = glob.split('*');
  const tail = rest.pop();
  if (tail === undefined) return text === glob;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - tail.length >= at && text.endsWith(tail);
}
