import { html } from 'hono/html';
import { headline } from '../../triage/headline.ts';
import type { Html } from '../page.ts';
import { plain } from '../words.ts';

const TEXT_CHARS = 8_000;
/** A text of more lines is folded behind its first. */
const LINES_OPEN = 12;
const HEADLINE_CHARS = 160;

/** What a test said when it failed: text, whatever it looks like. */
export function failureText(text: string | null): Html {
  if (text === null || text.trim() === '') return html`<p class="soft">It failed without a text.</p>`;
  const whole = plain(text);
  const shown = whole.slice(0, TEXT_CHARS).toWellFormed();
  const rest =
    whole.length > TEXT_CHARS
      ? html`<p class="soft">The first ${TEXT_CHARS} of ${whole.length} characters.</p>`
      : '';
  const block = html`<pre class="failure" tabindex="0" role="group" aria-label="Failure text"><bdi>${shown}</bdi></pre>${rest}`;
  if (shown.split('\n', LINES_OPEN + 1).length <= LINES_OPEN) return block;
  return html`<details><summary><bdi>${shownHeadline(shown)}</bdi></summary>${block}</details>`;
}

/** What it says in one line. */
export function shownHeadline(text: string, charsMax = HEADLINE_CHARS): string {
  const line = headline(plain(text.slice(0, TEXT_CHARS)));
  if (line === '') return '(no text)';
  return line.length <= charsMax ? line : `${line.slice(0, charsMax).toWellFormed()}…`;
}
