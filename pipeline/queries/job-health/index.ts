import { HEALTH_COLUMNS, healthSql } from '../health.ts';
import type { BuildQuery } from '../types.ts';

export const jobHealth: BuildQuery = {
  name: 'job-health',
  about: 'runs, rates of failure and minutes taken (p50, p75, p99) of each job and whole day',
  days: 1,
  wholeDays: true,
  columns: ['day', ...HEALTH_COLUMNS],
  sql: healthSql(true),
};
