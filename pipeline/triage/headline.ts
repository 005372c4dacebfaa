/** Shorter than this a line says little: the next ones go with it. */
const CHARS_MIN = 24;
/** A text may be one long line, or a million short ones. */
const LINES_MAX = 50;
/** What stands before the failure and is the same in all of them. */
const SAYS_NOTHING = /^[\s:.!-]*(?:failed|failure|error|fail)?[\s:.!-]*$|^\s*=== (?:RUN|PAUSE|CONT|NAME)\b/i;

/** What a failure's text says in one line: its first lines that say something. Empty where none does. */
export function headline(text: string): string {
  const lines = text.split('\n', LINES_MAX).map((line) => line.trim());
  const telling = lines.filter((line) => !SAYS_NOTHING.test(line));
  let said = '';
  for (const line of telling.length > 0 ? telling : lines) {
    if (line === '') continue;
    said = said === '' ? line : `${said} ${line}`;
    if (said.length >= CHARS_MIN) break;
  }
  return said;
}
