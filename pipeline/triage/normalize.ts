/** Of a failure text as it came, in UTF-16 units: what is longer loses its middle before anything looks at it. */
const RAW_HEAD_CHARS = 12_000;
const RAW_TAIL_CHARS = 4_000;
/** Of a normalised text. */
const HEAD_CHARS = 3_000;
const TAIL_CHARS = 1_000;
const CUT_MARK = '\n<cut>\n';
const NO_TEXT = '(no text)';

type Rule = readonly [RegExp, string | ((match: string, ...groups: string[]) => string)];

/**
 * What differs from run to run, in the order in which it is replaced. Every pattern is linear: it can begin only where a word does, or
 * its parts have a bound.
 */
const RULES: readonly Rule[] = [
  // Colours, titles and other orders to a terminal.
  [/\u001b(?:\[[0-9;?]{0,16}[ -/]{0,2}[@-~]|\][^\u0007\u001b]{0,256}(?:\u0007|\u001b\\)|[@-Z\\-_])/g, ''],
  [/\r\n?/g, '\n'],
  [/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/g, ' '],
  [/\b[IWEF]\d{4} \d{2}:\d{2}:\d{2}\.\d{1,9} {1,8}\d{1,9}\b/g, '<time>'],
  [
    /\b\d{4}[-/]\d{2}[-/]\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)?(?: ?(?:Z|[+-]\d{2}:?\d{2})\b)?(?: UTC\b)?(?: m=[+-]\d{1,12}\.\d{1,12})?/g,
    '<time>',
  ],
  [
    /\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?(?:\d{1,2} )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(?:\d{1,2} {1,2})?(?:\d{4} )?\d{1,2}:\d{2}:\d{2}(?:\.\d{1,9})?(?: (?:[+-]\d{4}|UTC|GMT)\b)?(?: \d{4}\b)?/g,
    '<time>',
  ],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<uuid>'],
  [/\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:\/\d{1,2}\b|:\d{1,5}\b)?/g, '<address>'],
  [/\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?\b/g, '<time>'],
  [/(?<![\w:.])\[?(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])(?:\/\d{1,3}|\]?:\d{1,5}|\])?/gi, '<address>'],
  // Of a Deployment's pods: the replica set's hash and the pod's own, both of letters that make no words.
  [/-[bcdf-hj-np-tv-xz2456789]{8,10}-[bcdf-hj-np-tv-xz2456789]{5}\b/g, '-<id>'],
  [/\b0x[0-9a-f]+\b\??/gi, '<hex>'],
  [/\b[0-9a-f]{8,}\b/gi, (word) => (isHexNoise(word) ? '<hex>' : word)],
  [/(\/(?:var\/)?tmp|\/var\/folders)\/[^\s/"'`,;:()]{1,200}/g, '$1/<temp>'],
  [
    /\b\d{1,9}(?:\.\d{1,12})?(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h)(?:\d{1,9}(?:\.\d{1,12})?(?:ms|s|m)){0,3}\b/g,
    '<duration>',
  ],
  [/\b\d{1,9}(?:\.\d{1,12})? (?:milliseconds?|seconds?|secs?|minutes?|mins?|hours?)\b/g, '<duration>'],
  [/(minion-group-|default-pool-|control-plane-)[-0-9a-z]{4,80}/g, '$1<id>'],
  [/-(?=[a-z]{0,12}\d)[0-9a-z]{4,12}\b/g, '-<id>'],
  [/-[bcdf-hj-np-tv-xz2456789]{5}\b/g, '-<id>'],
  [/(\.[a-z]{1,4}):\d{1,7}(?::\d{1,7})?\b/gi, '$1:<n>'],
  [/:\d{4,5}\b/g, ':<port>'],
  [/\b(goroutine|pid|thread|line) \d{1,9}\b/gi, '$1 <n>'],
  [/\d{4,}/g, '<n>'],
  [/(?<!\d)\d{1,3}(?:\.\d{1,3})+/g, '<n>'],
  [/<n>(?:\.<n>|\.\d{1,3})+/g, '<n>'],
];

/** Go prints maps in any order. */
const MAP = /\bmap\[([^\][]{1,2000})\]/g;

/**
 * A failure text without what differs from run to run: times, addresses, ids, long numbers. At most some 4,000 characters, and bounded
 * work, whatever the text is. Numbers of up to three digits stay: exit codes, HTTP's statuses, counts.
 */
export function normalizeText(raw: string): string {
  let text = cutRaw(raw).toWellFormed();
  for (const [pattern, by] of RULES) text = text.replace(pattern, by as string);
  text = text.replace(MAP, (_, inside: string) => `map[${inside.split(' ').sort().join(' ')}]`);
  const lines = text.split('\n').map((line) => line.replace(/ {2,}/g, ' ').trim());
  const kept = uniqueLines(lines.filter((line) => line !== '')).join('\n');
  return kept === '' ? NO_TEXT : withoutMiddle(kept, HEAD_CHARS, TAIL_CHARS).toWellFormed();
}

/** What is looked at of a failure text: its beginning and its end. */
export function cutRaw(raw: string): string {
  return withoutMiddle(raw, RAW_HEAD_CHARS, RAW_TAIL_CHARS);
}

function withoutMiddle(text: string, headChars: number, tailChars: number): string {
  if (text.length <= headChars + tailChars + CUT_MARK.length) return text;
  return text.slice(0, headChars) + CUT_MARK + text.slice(-tailChars);
}

/** Words are letters of hex by chance; what has a digit among them is none. */
function isHexNoise(word: string): boolean {
  return /\d/.test(word) && (/[a-f]/i.test(word) || word.length >= 12);
}

/** A text that says the same again and again differs from another only in how often: each line counts once. */
function uniqueLines(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)];
}
