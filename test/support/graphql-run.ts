import { type Part, parseQuery, type Query, type Selection, type Value } from './graphql-parse.ts';

export type Args = Readonly<Record<string, unknown>>;

/** A field: its arguments by name (true: must be given), its type (undefined: a scalar), and what it is. */
export interface Field {
  readonly args?: Readonly<Record<string, boolean>>;
  readonly type?: string;
  /** Has pages: `first` or `last` must be given, at most 100. */
  readonly paged?: boolean;
  /** `undefined` where there is no such thing: null, and an error of the type NOT_FOUND. */
  readonly get: (source: never, args: Args) => unknown;
}

/** Types by name. `__typename` is answered by `typeOf` where a type stands for several. */
export interface Schema {
  readonly types: Readonly<Record<string, Readonly<Record<string, Field>>>>;
  readonly typeOf: (type: string, source: unknown) => string;
}

export interface GraphqlError {
  readonly type?: string;
  readonly message: string;
  readonly path?: readonly (string | number)[];
}

export interface GraphqlResult {
  readonly data?: unknown;
  readonly errors?: readonly GraphqlError[];
  /** Points of the hourly limit. */
  readonly cost: number;
}

const NODES_MAX = 500_000;

/** Runs a query as GitHub does: everything that it asks for must exist in the schema, and be asked for rightly. */
export function runQuery(schema: Schema, text: string, variables: Args): GraphqlResult {
  let query: Query;
  try {
    query = parseQuery(text);
    assertVariables(query, variables);
    const size = { nodes: 0, calls: 0 };
    check({ schema, query, variables, size }, 'Query', query.parts, 1);
    if (size.nodes > NODES_MAX)
      throw new Error(`the query asks for ${size.nodes} nodes, ${NODES_MAX} is the limit`);
    const errors: GraphqlError[] = [];
    const data = select({ schema, query, variables, errors }, 'Query', {}, query.parts, []);
    const cost = Math.max(1, Math.round(size.calls / 100));
    return { data, ...(errors.length > 0 && { errors }), cost };
  } catch (error) {
    return { errors: [{ message: (error as Error).message }], cost: 1 };
  }
}

function assertVariables({ required, variables }: Query, given: Args): void {
  const missing = required.find((name) => given[name] === undefined || given[name] === null);
  if (missing !== undefined) throw new Error(`Variable $${missing} was provided invalid value`);
  const extra = Object.keys(given).find((name) => !variables.includes(name));
  if (extra !== undefined) throw new Error(`the variable $${extra} is not declared`);
}

interface Checking {
  readonly schema: Schema;
  readonly query: Query;
  readonly variables: Args;
  readonly size: { nodes: number; calls: number };
}

function check(around: Checking, type: string, parts: readonly Part[], times: number): void {
  for (const part of parts) {
    if ('field' in part) checkField(around, type, part.field, times);
    else {
      const { on, parts: inner } = 'spread' in part ? fragmentOf(around.query, part.spread) : part;
      if (on !== undefined && around.schema.types[on] === undefined) throw new Error(`No such type ${on}`);
      check(around, on ?? type, inner, times);
    }
  }
}

function checkField(around: Checking, type: string, { name, args, fields }: Selection, times: number): void {
  const { schema, query, variables, size } = around;
  if (name === '__typename') return;
  const field = schema.types[type]?.[name];
  if (field === undefined) throw new Error(`Field '${name}' doesn't exist on type '${type}'`);
  const known = {
    ...field.args,
    ...(field.paged && { first: false, last: false, after: false, before: false }),
  };
  const unknown = Object.keys(args).find((key) => !(key in known));
  if (unknown !== undefined) throw new Error(`Field '${name}' doesn't accept argument '${unknown}'`);
  const absent = Object.entries(known).find(([key, required]) => required && args[key] === undefined);
  if (absent !== undefined) throw new Error(`Field '${name}' is missing required arguments: ${absent[0]}`);
  const values = valuesOf(args, variables, query);
  if ((field.type === undefined) !== (fields === undefined))
    throw new Error(`Field '${name}' ${fields === undefined ? 'must have' : "can't have"} selections`);
  let inner = times;
  if (field.paged) {
    const wanted = Number(values.first ?? values.last ?? Number.NaN);
    const counts = fields?.every((part) => 'field' in part && part.field.name === 'totalCount') === true;
    if (Number.isNaN(wanted) && !counts)
      throw new Error(`You must provide a first or last value for ${name}`);
    if (wanted > 100 || wanted < 0)
      throw new Error(`Requesting ${wanted} records of ${name} exceeds the 100 limit`);
    size.calls += times;
    size.nodes += times * (wanted || 0);
    inner = times * (wanted || 1);
  }
  if (fields !== undefined && field.type !== undefined) check(around, field.type, fields, inner);
}

interface Selecting {
  readonly schema: Schema;
  readonly query: Query;
  readonly variables: Args;
  readonly errors: GraphqlError[];
}

type Path = readonly (string | number)[];

function select(
  around: Selecting,
  type: string,
  source: unknown,
  parts: readonly Part[],
  path: Path,
): unknown {
  const found: Record<string, unknown> = {};
  for (const part of parts) {
    if ('field' in part) {
      found[part.field.alias] = fieldValue(around, type, source, part.field, [...path, part.field.alias]);
      continue;
    }
    const { on, parts: inner } = 'spread' in part ? fragmentOf(around.query, part.spread) : part;
    const actual = around.schema.typeOf(type, source);
    if (on === undefined || on === type || on === actual)
      Object.assign(found, select(around, on ?? type, source, inner, path));
  }
  return found;
}

function fieldValue(
  around: Selecting,
  type: string,
  source: unknown,
  selection: Selection,
  path: Path,
): unknown {
  const { schema, query, variables, errors } = around;
  if (selection.name === '__typename') return schema.typeOf(type, source);
  const field = schema.types[type]?.[selection.name] as Field;
  const value = field.get(source as never, valuesOf(selection.args, variables, query));
  if (value === undefined) {
    errors.push({
      type: 'NOT_FOUND',
      path,
      message: `Could not resolve to a ${field.type ?? selection.name}.`,
    });
    return null;
  }
  if (value === null || field.type === undefined || selection.fields === undefined) return value;
  const { fields, type: of = field.type } = { fields: selection.fields, type: field.type };
  if (!Array.isArray(value)) return select(around, of, value, fields, path);
  return value.map((one, at) => select(around, of, one, fields, [...path, at]));
}

function fragmentOf({ fragments }: Query, name: string) {
  const fragment = fragments.get(name);
  if (fragment === undefined) throw new Error(`Fragment ${name} was used, but not defined`);
  return fragment;
}

function valuesOf(args: Readonly<Record<string, Value>>, variables: Args, query: Query): Args {
  return Object.fromEntries(
    Object.entries(args).map(([key, value]) => [key, plain(value, variables, query)]),
  );
}

function plain(value: Value, variables: Args, query: Query): unknown {
  if ('variable' in value) {
    if (!query.variables.includes(value.variable))
      throw new Error(`Variable $${value.variable} is not declared`);
    return variables[value.variable];
  }
  if ('list' in value) return value.list.map((one) => plain(one, variables, query));
  if ('object' in value) return valuesOf(value.object, variables, query);
  return 'name' in value ? value.name : value.scalar;
}
