import type { Row } from './bigquery-rows.ts';
import type { Table } from './bigquery-store.ts';

/** The only view that is understood: one row per key, the newest. */
const LATEST =
  /^SELECT ((?:`\w+`(?:, )?)+) FROM `[\w.:-]+\.\w+\.(\w+)` WHERE TRUE QUALIFY ROW_NUMBER\(\) OVER \(PARTITION BY `(\w+)` ORDER BY ((?:`\w+` DESC NULLS LAST(?:, )?)+)\) = 1$/;

type Resource = Table['resource'];
type TableOf = (name: string) => Table | undefined;

interface View {
  readonly source: Table;
  readonly columns: readonly string[];
  readonly key: string;
  readonly order: readonly string[];
}

/** A view as the server keeps it, with the schema it has on this day; or why it is refused. */
export function viewResource(given: Resource, tableOf: TableOf): Resource | string {
  const view = readView(given, tableOf);
  if (typeof view === 'string') return view;
  const known = view.source.resource.schema.fields;
  const fields = view.columns.flatMap((name) => known.find((field) => field.name === name) ?? []);
  return { ...given, type: 'VIEW', schema: { fields } };
}

/** The rows a view shows now; undefined for what is no view. */
export function viewRows(resource: Resource, tableOf: TableOf): readonly Row[] | undefined {
  if (resource.view === undefined) return undefined;
  const view = readView(resource, tableOf);
  if (typeof view === 'string') throw new Error(view);
  const newest = new Map<unknown, Row>();
  for (const row of view.source.rows) {
    const other = newest.get(row[view.key]);
    if (other === undefined || isNewer(row, other, view.order)) newest.set(row[view.key], row);
  }
  return [...newest.values()].map((row) =>
    Object.fromEntries(view.columns.map((name) => [name, row[name] ?? null])),
  );
}

function readView({ view }: Resource, tableOf: TableOf): View | string {
  const [, columns = '', table = '', key = '', order = ''] = LATEST.exec(view?.query ?? '') ?? [];
  if (view?.useLegacySql !== false || key === '') return `Syntax error: ${view?.query}`;
  const source = tableOf(table);
  if (source === undefined) return `Not found: Table ${table}`;
  const names = (list: string) => [...list.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
  const known = new Set(source.resource.schema.fields.map(({ name }) => name));
  const unknown = [...names(columns), key, ...names(order)].find((name) => !known.has(name));
  if (unknown !== undefined) return `Unrecognized name: ${unknown}`;
  return { source, columns: names(columns), key, order: names(order) };
}

function isNewer(row: Row, other: Row, order: readonly string[]): boolean {
  for (const column of order) {
    const [mine, its] = [rank(row[column]), rank(other[column])];
    if (mine !== its) return mine > its;
  }
  return false;
}

function rank(value: unknown): number {
  if (value === null || value === undefined) return Number.NEGATIVE_INFINITY;
  return typeof value === 'number' ? value : Number(value) || Date.parse(String(value));
}
