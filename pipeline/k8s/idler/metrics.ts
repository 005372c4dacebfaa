import { Counter, Gauge, Registry } from 'prom-client';
import { type IdlerReport, KEEPERS } from './contract.ts';

export interface IdlerMetrics {
  report(report: IdlerReport): void;
  /** A pass came to nothing. */
  failed(): void;
  retried(why: 'conflict' | 'failure'): void;
  render(): Promise<string>;
}

/** Of an idler that looks again and again. */
export function createIdlerMetrics(): IdlerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({ name: `samovar_idler_${name}`, help, labelNames, registers });
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Gauge({ name: `samovar_idler_${name}`, help, labelNames, registers });
  const passes = counter('passes_total', 'Looks at all apps: done, some (of them failed) or failed', [
    'outcome',
  ]);
  const idled = counter('idled_total', 'Apps that were sent to sleep', []);
  const failures = counter('failures_total', 'Apps that could not be looked at or idled', []);
  const retries = counter('api_retries_total', 'Calls of the Kubernetes API made again', ['why']);
  const apps = gauge('apps', 'Apps that were awake at the last pass, by what came of it', ['outcome']);
  const kept = gauge('kept', 'Apps that the last pass left awake, by what keeps them', ['by']);
  const lastBegan = gauge('last_pass_seconds', 'When the last pass that ended began, Unix time');
  const took = gauge('last_pass_duration_seconds', 'How long it took');
  const dry = gauge('dry_run', '1 where nothing is touched');
  for (const outcome of ['done', 'some', 'failed']) passes.inc({ outcome }, 0);
  for (const why of ['conflict', 'failure']) retries.inc({ why }, 0);
  return {
    report: (report) => {
      passes.inc({ outcome: report.failed.length === 0 ? 'done' : 'some' });
      if (!report.dryRun) idled.inc(report.idled.length);
      failures.inc(report.failed.length);
      for (const outcome of ['idled', 'kept', 'failed'] as const)
        apps.set({ outcome }, report[outcome].length);
      for (const by of KEEPERS) kept.set({ by }, report.kept.filter((each) => each.by === by).length);
      lastBegan.set(Date.parse(report.at) / 1000);
      took.set(report.seconds);
      dry.set(report.dryRun ? 1 : 0);
    },
    failed: () => passes.inc({ outcome: 'failed' }),
    retried: (why) => retries.inc({ why }),
    render: () => registry.metrics(),
  };
}
