import { RE2JS } from 're2js';

/** A rule that is looked for anywhere in a name, as Python's re.search does. */
export interface NamePattern {
  readonly source: string;
  test(name: string): boolean;
}

/**
 * Compiles a regular expression whose matching takes time linear in the name, whatever the pattern: a rule from a file that
 * was downloaded cannot hang a run. Gives the reason as text when the pattern cannot be used.
 */
export function compilePattern(source: string): NamePattern | string {
  try {
    const compiled = RE2JS.compile(source);
    return { source, test: (name) => compiled.test(name) };
  } catch (error) {
    return reasonOf(source, error);
  }
}

/** The engine's own reason; for what Python allows and linear time does not, what is missing in plain words. */
function reasonOf(source: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  if (/\(\?<?[=!]/.test(source)) return `look-around, (?=…) (?!…) (?<=…) (?<!…), is not supported: ${reason}`;
  if (/\\[1-9]|\(\?P=/.test(source)) return `back-references, \\1 or (?P=name), are not supported: ${reason}`;
  return reason;
}
