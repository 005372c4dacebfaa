import { Counter, Gauge, Registry } from 'prom-client';
import type { Report, Step } from './contract.ts';

export interface SupervisorMetrics {
  step(step: Step, failure: unknown): void;
  report(report: Report, nowMs: number): void;
  leads(leads: boolean): void;
  render(): Promise<string>;
}

export function createSupervisorMetrics(): SupervisorMetrics {
  const registers = [new Registry()];
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `samovar_supervisor_${name}`, help, registers });
  const passes = new Counter({
    name: 'samovar_supervisor_passes_total',
    help: 'Looks at the whole fleet, by how they ended',
    labelNames: ['outcome'],
    registers,
  });
  const steps = new Counter({
    name: 'samovar_supervisor_steps_total',
    help: 'Changes of one object',
    labelNames: ['deed', 'part', 'outcome'],
    registers,
  });
  const amounts = {
    repositories: gauge('repositories', 'Repositories that the list has'),
    workers: gauge('workers', 'Deployments that were there at the last pass'),
    paused: gauge('paused', 'Workers that somebody scaled to 0'),
    held: gauge('held', 'Changes and removals that wait'),
    failed: gauge('failed', 'Steps of the last pass that failed'),
  };
  const listRead = gauge('list_read', '1 when the list could be read at the last pass');
  const leading = gauge('leading', '1 in the process that leads');
  const lastDone = gauge('last_done_seconds', 'When a pass ended without any failure, Unix time');
  return {
    step: ({ deed, part }, failure) =>
      steps.inc({ deed, part, outcome: failure === undefined ? 'done' : 'failed' }),
    report: (report, nowMs) => {
      passes.inc({ outcome: report.outcome });
      listRead.set(report.list === undefined ? 1 : 0);
      if (report.outcome === 'done') lastDone.set(nowMs / 1000);
      if (report.outcome === 'failed') return;
      amounts.repositories.set(report.repositories);
      amounts.workers.set(report.workers);
      for (const name of ['paused', 'held', 'failed'] as const) amounts[name].set(report[name].length);
    },
    leads: (leads) => leading.set(leads ? 1 : 0),
    render: () => registers[0]?.metrics() ?? Promise.resolve(''),
  };
}
