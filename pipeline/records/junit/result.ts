/**
 * One test that ran. Glossary: a *test* is a testcase that ran, passed or failed; a *skipped* one did not run and is only counted;
 * a *flaky* one failed and then passed in the same run; a *failure text* is message, newline, body, as Kettle joins them.
 */
export interface TestResult {
  /** With the names of the suites around it, but the root's, joined by spaces. */
  readonly name: string;
  /** Seconds. Left out when the file gives no finite number. */
  readonly time?: number;
  readonly failed?: true;
  readonly failure_text?: string;
  readonly flaky?: true;
}

/** What one testcase says of itself, in whatever dialect; both readers make results of it, so that they agree. */
export interface CaseFacts {
  /** The case's own and its suites' names, joined. */
  readonly name: string;
  readonly time: number | undefined;
  readonly status: string | undefined;
  readonly result: string | undefined;
  /** Of each `<failure>` and `<error>`, in their order. */
  readonly failureTexts: readonly string[];
  readonly skippedTag: boolean;
  readonly flakyTag: boolean;
  readonly rerunTag: boolean;
}

export const UNNAMED = '<unspecified>';
export const NO_TEXT = 'No Failure Message Found';

const SKIPPED_WORDS: ReadonlySet<string> = new Set(['notrun', 'disabled', 'skipped', 'pending']);
const FAILED_WORDS: ReadonlySet<string> = new Set([
  'failed',
  'panicked',
  'timedout',
  'interrupted',
  'aborted',
]);

/** The result of a case, `undefined` when it did not run. A `<skipped>` wins over all else, as in Kettle. */
export function resultOf(facts: CaseFacts): TestResult | undefined {
  const { name, failureTexts, rerunTag } = facts;
  const time = facts.time === undefined ? {} : { time: facts.time };
  if (facts.skippedTag) return undefined;
  if (failureTexts.length > 0) return { name, ...time, failed: true, failure_text: failureTexts.join('\n') };
  const words = [facts.status?.toLowerCase(), facts.result?.toLowerCase()];
  const says = (set: ReadonlySet<string>) => words.some((word) => word !== undefined && set.has(word));
  if (rerunTag || says(FAILED_WORDS)) return { name, ...time, failed: true, failure_text: NO_TEXT };
  if (says(SKIPPED_WORDS)) return undefined;
  return facts.flakyTag ? { name, ...time, flaky: true } : { name, ...time };
}

/** A failure's text: message, newline, body; or the one that is there; or a text that says there is none. */
export function failureText(message: string | undefined, body: string | undefined): string {
  return message && body ? `${message}\n${body}` : message || body || NO_TEXT;
}
