import { existsSync } from 'node:fs';
import type { BucketRoot } from '../config/buckets.ts';
import type { TableConfig } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { collectWith } from './collecting.ts';
import { planText } from './make-db.ts';
import { print } from './run.ts';
import { plansText, planTable } from './table-plan.ts';

interface PlanRequest {
  readonly roots: readonly BucketRoot[];
  readonly tables: readonly TableConfig[];
  readonly threads: number;
  readonly json: boolean;
}

/** What a cycle would do, and nothing of it: builds that are new, and the rows that tables lack of those that are stored. */
export async function planUpdate(context: Context, request: PlanRequest): Promise<number> {
  const { settings } = context;
  if (settings.demo && !existsSync(settings.demoDir)) {
    const text = `The demo would be made in ${settings.demoDir}, collected and loaded (dry run: nothing was done)`;
    await print(context, request.json ? JSON.stringify({ dryRun: true, demo: settings.demoDir }) : text);
    return 0;
  }
  const store = context.openStore({ dryRun: true });
  const planned = new Map<string, number>();
  const collected = await collectWith(context, store, request.roots, {
    selection: { buildLimit: settings.buildLimit || undefined },
    junit: true,
    skipListing: false,
    dryRun: true,
    threads: request.threads,
    onCandidate: (root, job) => planned.set(`${root}${job}`, (planned.get(`${root}${job}`) ?? 0) + 1),
  });
  const tables = request.tables.map((table) => planTable(context, store, table));
  const summary = { dryRun: true, planned: Object.fromEntries(planned), tables };
  const text = `${planText(planned, collected)}\n\nOf builds that are stored already:\n${plansText(tables)}`;
  await print(context, request.json ? JSON.stringify(summary) : text);
  return collected.failures.length > 0 ? 1 : 0;
}
