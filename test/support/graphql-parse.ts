/** As much of GraphQL's language as queries need: fields with aliases and arguments, fragments, variables. */
export interface Selection {
  readonly name: string;
  readonly alias: string;
  readonly args: Readonly<Record<string, Value>>;
  readonly fields: readonly Part[] | undefined;
}

export type Part =
  | { readonly field: Selection }
  | { readonly on: string | undefined; readonly parts: readonly Part[] }
  | { readonly spread: string };

export type Value =
  | { readonly variable: string }
  | { readonly list: readonly Value[] }
  | { readonly object: Readonly<Record<string, Value>> }
  | { readonly name: string }
  | { readonly scalar: unknown };

export interface Query {
  /** Names of the variables that must be given. */
  readonly required: readonly string[];
  readonly variables: readonly string[];
  readonly parts: readonly Part[];
  readonly fragments: ReadonlyMap<string, { readonly on: string; readonly parts: readonly Part[] }>;
}

const TOKEN = /\s+|,|#[^\n]*|(\.\.\.|[!$():=@[\]{}|]|"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?|[A-Za-z_]\w*)/gy;

/** Throws for what is no query of one operation. */
export function parseQuery(text: string): Query {
  const tokens = tokensOf(text);
  let at = 0;
  const peek = () => tokens[at];
  const next = (): string => {
    const token = tokens[at];
    if (token === undefined) throw new Error('unexpected end of the document');
    at += 1;
    return token;
  };
  const take = (token: string): boolean => {
    if (tokens[at] !== token) return false;
    at += 1;
    return true;
  };
  const expect = (token: string): void => {
    const found = next();
    if (found !== token) throw new Error(`expected ${token}, found ${found}`);
  };
  const name = (): string => {
    const token = next();
    if (!/^[A-Za-z_]/.test(token)) throw new Error(`expected a name, found ${token}`);
    return token;
  };
  const until = <T>(end: string, read: () => T): T[] => {
    const all: T[] = [];
    while (!take(end)) all.push(read());
    return all;
  };
  const value = (): Value => {
    if (take('$')) return { variable: name() };
    if (take('[')) return { list: until(']', value) };
    if (take('{')) return { object: Object.fromEntries(until('}', argument)) };
    const token = next();
    if (token.startsWith('"') || /^-?\d/.test(token)) return { scalar: JSON.parse(token) };
    if (token === 'true' || token === 'false') return { scalar: token === 'true' };
    if (token === 'null') return { scalar: null };
    return { name: token };
  };
  const argument = (): readonly [string, Value] => {
    const key = name();
    expect(':');
    return [key, value()];
  };
  const part = (): Part => {
    if (take('...')) {
      if (peek() === '{' || peek() === 'on') {
        const on = take('on') ? name() : undefined;
        return { on, parts: set() };
      }
      return { spread: name() };
    }
    const first = name();
    const field = take(':') ? name() : first;
    const args = take('(') ? Object.fromEntries(until(')', argument)) : {};
    return { field: { name: field, alias: first, args, fields: peek() === '{' ? set() : undefined } };
  };
  const set = (): readonly Part[] => {
    expect('{');
    const parts = until('}', part);
    if (parts.length === 0) throw new Error('an empty selection');
    return parts;
  };
  const declared = (): { readonly variable: string; readonly required: boolean } => {
    expect('$');
    const variable = name();
    expect(':');
    while (take('['));
    name();
    let required = false;
    while (peek() === ']' || peek() === '!') required = next() === '!';
    if (take('=')) {
      value();
      required = false;
    }
    return { variable, required };
  };
  const fragments = new Map<string, { on: string; parts: readonly Part[] }>();
  let operation:
    | { declared: readonly { variable: string; required: boolean }[]; parts: readonly Part[] }
    | undefined;
  while (peek() !== undefined) {
    if (take('fragment')) {
      const fragment = name();
      expect('on');
      fragments.set(fragment, { on: name(), parts: set() });
      continue;
    }
    if (operation !== undefined) throw new Error('more than one operation');
    if (peek() !== '{') {
      expect('query');
      if (peek() !== '(' && peek() !== '{') name();
    }
    operation = { declared: take('(') ? until(')', declared) : [], parts: set() };
  }
  if (operation === undefined) throw new Error('no operation');
  return {
    required: operation.declared.filter(({ required }) => required).map(({ variable }) => variable),
    variables: operation.declared.map(({ variable }) => variable),
    parts: operation.parts,
    fragments,
  };
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`cannot read ${text.slice(at, at + 20)}`);
    if (match[1] !== undefined) tokens.push(match[1]);
  }
  return tokens;
}
