import { SamovarError } from '../../errors.ts';

const CHARS_MAX = 1_000;
const QUOTES: Readonly<Record<string, string>> = { '"': '"', '\u201c': '\u201d', '\u201d': '\u201d' };
const NAME = /^[A-Za-z][A-Za-z-]*$/;

export interface Words {
  /** In order, without those that have a name. */
  readonly plain: readonly string[];
  /** `env=dev`; the order is free. */
  readonly named: ReadonlyMap<string, string>;
  /** `--dry-run`, without dashes. */
  readonly flags: ReadonlySet<string>;
}

/**
 * Takes a command apart: words between spaces, `name=value` with a value in quotes if it has spaces (chat clients turn them into curly
 * ones). Throws `refused` for what nobody types: control characters, a name twice, nothing after the sign.
 */
export function wordsOf(text: string): Words {
  if (text.length > CHARS_MAX) throw refused(`a command has at most ${CHARS_MAX} characters`);
  if (/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/u.test(text))
    throw refused('a command is one line without control characters');
  const plain: string[] = [];
  const named = new Map<string, string>();
  const flags = new Set<string>();
  for (const { bare, sign, value } of split(text)) {
    if (sign) {
      if (!NAME.test(bare)) throw refused(`argument(${bare}) is malformed`);
      if (named.has(bare)) throw refused(`argument(${bare}) is there twice`);
      if (value === '') throw refused(`argument(${bare}) is empty`);
      named.set(bare, value);
    } else if (bare.startsWith('--')) flags.add(bare.slice(2));
    else plain.push(bare);
  }
  return { plain, named, flags };
}

interface Word {
  readonly bare: string;
  readonly sign: boolean;
  readonly value: string;
}

function split(text: string): readonly Word[] {
  const words: Word[] = [];
  const letters = [...text];
  let at = 0;
  while (at < letters.length) {
    if (isSpace(letters[at])) {
      at += 1;
      continue;
    }
    let bare = '';
    while (at < letters.length && !isSpace(letters[at]) && letters[at] !== '=') bare += letters[at++];
    if (letters[at] !== '=') {
      words.push({ bare, sign: false, value: '' });
      continue;
    }
    const { value, next } = valueAt(letters, at + 1);
    words.push({ bare, sign: true, value });
    at = next;
  }
  return words;
}

function valueAt(letters: readonly string[], from: number) {
  const close = QUOTES[letters[from] ?? ''];
  let at = close === undefined ? from : from + 1;
  let value = '';
  if (close === undefined) {
    while (at < letters.length && !isSpace(letters[at])) value += letters[at++];
    return { value, next: at };
  }
  while (at < letters.length && letters[at] !== close && letters[at] !== '"') value += letters[at++];
  if (at >= letters.length) throw refused('a quotation mark is not closed');
  if (at + 1 < letters.length && !isSpace(letters[at + 1]))
    throw refused('a space must follow the quotation mark');
  return { value, next: at + 1 };
}

const isSpace = (letter: string | undefined) => letter !== undefined && /\s/u.test(letter);

const refused = (message: string) =>
  new SamovarError('refused', message, { remedy: 'Say help to see what can be asked.' });
