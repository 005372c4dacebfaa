const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const COLON = 58;

/**
 * The members of a JSON object by name, each as the text it is stored as: an answer is made of such texts, and none of them is
 * parsed. Undefined for what is no object. The text must be JSON: what came out of the store was written by JSON.stringify.
 */
export function membersOf(json: string): ReadonlyMap<string, string> | undefined {
  const start = skipSpace(json, 0);
  if (json[start] !== '{') return undefined;
  const members = new Map<string, string>();
  let at = skipSpace(json, start + 1);
  while (json.charCodeAt(at) === QUOTE) {
    const nameEnd = endOfString(json, at);
    const name = JSON.parse(json.slice(at, nameEnd)) as string;
    at = skipSpace(json, nameEnd);
    if (json.charCodeAt(at) !== COLON) return undefined;
    const valueStart = skipSpace(json, at + 1);
    const valueEnd = endOfValue(json, valueStart);
    members.set(name, json.slice(valueStart, valueEnd).trimEnd());
    at = valueEnd;
    if (json.charCodeAt(at) !== COMMA) break;
    at = skipSpace(json, at + 1);
  }
  return members;
}

function skipSpace(json: string, from: number): number {
  let at = from;
  while (json.charCodeAt(at) <= 32) at += 1;
  return at;
}

/** Behind the closing quote. */
function endOfString(json: string, open: number): number {
  let at = json.indexOf('"', open + 1);
  while (at !== -1 && isEscaped(json, at)) at = json.indexOf('"', at + 1);
  return at === -1 ? json.length : at + 1;
}

function isEscaped(json: string, quote: number): boolean {
  let backslashes = 0;
  while (json.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

/** At the comma or bracket that ends a value: the first one that is outside of every bracket and string of its own. */
function endOfValue(json: string, from: number): number {
  let depth = 0;
  for (let at = from; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at) - 1;
    // `{` and `[`
    else if (code === 123 || code === 91) depth += 1;
    // `}` and `]`
    else if (code === 125 || code === 93) {
      if (depth === 0) return at;
      depth -= 1;
    } else if (code === COMMA && depth === 0) return at;
  }
  return json.length;
}

/** The items of both, as one array. */
export function joinArrays(first: string, second: string): string {
  const [a, b] = [first.trim(), second.trim()];
  if (b === '[]' || !b.startsWith('[')) return a;
  if (a === '[]' || !a.startsWith('[')) return b;
  return `${a.slice(0, -1)},${b.slice(1)}`;
}
