import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { StatusName } from '../../net/grpc-status.ts';

export interface RouterMetrics {
  /** A request begins; to be called when it has ended. */
  begin(): (method: string, status: StatusName) => void;
  retried(): void;
  render(): Promise<string>;
}

const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30];

export interface RouterAmounts {
  readonly repositories: () => number;
  readonly connections: () => number;
}

/** Methods are few and known: repositories are no label. */
export function createRouterMetrics(monotonicMs: () => number, amounts: RouterAmounts): RouterMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'samovar_router_requests_total',
    help: 'Requests that were answered',
    labelNames: ['method', 'status'],
    registers,
  });
  const times = new Histogram({
    name: 'samovar_router_request_seconds',
    help: 'From a request to its answer',
    labelNames: ['method'],
    buckets: BUCKETS_S,
    registers,
  });
  const open = new Gauge({ name: 'samovar_router_requests_open', help: 'Requests under way', registers });
  const retries = new Counter({ name: 'samovar_router_retries_total', help: 'Calls made again', registers });
  const repositories = new Gauge({
    name: 'samovar_router_repositories',
    help: 'Repositories that the list has',
    registers,
  });
  const connections = new Gauge({
    name: 'samovar_router_connections',
    help: 'Connections to workers',
    registers,
  });
  return {
    begin: () => {
      const beganMs = monotonicMs();
      open.inc();
      return (method, status) => {
        open.dec();
        requests.inc({ method, status });
        times.observe({ method }, (monotonicMs() - beganMs) / 1000);
      };
    },
    retried: () => retries.inc(),
    render: () => {
      repositories.set(amounts.repositories());
      connections.set(amounts.connections());
      return registry.metrics();
    },
  };
}
