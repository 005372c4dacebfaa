import { html } from 'hono/html';
import type { CellMark } from './models.ts';
import type { Html } from './page.ts';

/** Cells in one element at most: widths are classes, as pages have no styles of their own, and long strips may wrap. */
const RUN_MAX = 10;
const WORDS: Readonly<Record<CellMark, readonly [cls: string, word: string]>> = {
  P: ['p', 'passed'],
  F: ['f', 'failed'],
  L: ['l', 'flaky'],
  ' ': ['n', 'without it'],
};

/** How the last builds went, newest first: tall is failed, low is passed, so that colours are not alone. */
export function strip(marks: string): Html {
  const runs = marks.match(/(.)\1*/gsu) ?? [];
  const parts = runs.flatMap((run) => {
    const [cls] = wordsOf(run);
    const pieces = Array.from({ length: Math.ceil(run.length / RUN_MAX) }, (_, at) =>
      Math.min(RUN_MAX, run.length - at * RUN_MAX),
    );
    return pieces.map((length) => html`<i class="${cls} w${length}"></i>`);
  });
  return html`<span class="strip" role="img" aria-label="${gist(marks)}">${parts}</span>`;
}

function wordsOf(mark: string): readonly [string, string] {
  return WORDS[mark.charAt(0) as CellMark] ?? WORDS[' '];
}

/** `newest failed; of 30 builds 27 passed, 3 failed`. */
function gist(marks: string): string {
  if (marks === '') return 'no builds';
  const counts = Object.entries(WORDS).flatMap(([mark, [, word]]) => {
    const count = marks.split(mark).length - 1;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return `newest ${wordsOf(marks)[1]}; of ${marks.length} builds ${counts.join(', ')}`;
}

export function marksOf(recent: readonly ('passed' | 'failed' | 'unknown')[]): string {
  return recent.map((one) => (one === 'passed' ? 'P' : one === 'failed' ? 'F' : ' ')).join('');
}
