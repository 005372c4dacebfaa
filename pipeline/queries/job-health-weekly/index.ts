import { HEALTH_COLUMNS, healthSql } from '../health.ts';
import type { BuildQuery } from '../types.ts';

export const jobHealthWeekly: BuildQuery = {
  name: 'job-health-weekly',
  about: 'runs, rates of failure and minutes taken (p50, p75, p99) of each job in a week',
  days: 7,
  columns: HEALTH_COLUMNS,
  sql: healthSql(false),
};
