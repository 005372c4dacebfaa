import { ROW_VERSION, ROW_WRITTEN, type TableSpec, type Warehouse } from '../backends/warehouse/contract.ts';
import type { TableConfig } from '../config/tables.ts';

/** Over the widest table. */
const LATEST = 'build_latest';

export interface LatestView {
  readonly name: string;
  readonly table: string;
  readonly changed: boolean;
}

/**
 * Views of one row a build, the newest: `build_latest` over the widest table that is appended to, `build_latest_<table>` over each.
 * Tables that load jobs write need none: a newer row replaces the older one.
 */
export async function ensureLatestViews(
  warehouse: Warehouse,
  tables: readonly { readonly config: TableConfig; readonly spec: TableSpec }[],
  options: { readonly signal: AbortSignal; readonly dryRun?: boolean },
): Promise<readonly LatestView[]> {
  const appended = tables.filter(({ config }) => config.writer !== 'load');
  const [widest] = [...appended].sort((a, b) => daysOf(b.config) - daysOf(a.config));
  if (widest === undefined) return [];
  const wanted = [
    { name: LATEST, table: widest.spec },
    ...appended.map(({ spec }) => ({ name: `${LATEST}_${spec.name}`, table: spec })),
  ];
  const views: LatestView[] = [];
  for (const { name, table } of wanted) {
    const columns = [ROW_WRITTEN, ROW_VERSION];
    const changed = await warehouse.ensureLatestView({ name, table, columns }, options);
    views.push({ name, table: table.name, changed });
  }
  return views;
}

const daysOf = ({ days }: TableConfig) => (days === 0 ? Number.POSITIVE_INFINITY : days);
