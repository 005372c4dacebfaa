import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { News } from './contract.ts';

export interface UnidlerMetrics {
  news(news: News): void;
  /** To be called when it is over; calls after the first do nothing. */
  begin(what: 'streams' | 'holds'): () => void;
  retried(why: 'conflict' | 'failure'): void;
  render(): Promise<string>;
}

/** An app takes seconds, or minutes where its image is to be pulled. */
const BUCKETS_S = [1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1200];

/** Hosts are anybody's to name: they are no label. */
export function createUnidlerMetrics(underWay: () => number): UnidlerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const wakes = new Counter({
    name: 'samovar_unidler_wakes_total',
    help: 'Wakes that have ended: ready or failed',
    labelNames: ['outcome'],
    registers,
  });
  const ready = new Histogram({
    name: 'samovar_unidler_ready_seconds',
    help: 'From the first request to an app that answers',
    buckets: BUCKETS_S,
    registers,
  });
  const retries = new Counter({
    name: 'samovar_unidler_api_retries_total',
    help: 'Calls of the Kubernetes API made again: after a conflict, or a failure',
    labelNames: ['why'],
    registers,
  });
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `samovar_unidler_${name}`, help, registers });
  const open = {
    streams: gauge('event_streams_open', 'Pages that are told how a wake goes on'),
    holds: gauge('holds_open', 'Requests that are held until their app is ready'),
  };
  const wakesOpen = gauge('wakes_open', 'Wakes under way');
  for (const outcome of ['ready', 'failed']) wakes.inc({ outcome }, 0);
  for (const why of ['conflict', 'failure']) retries.inc({ why }, 0);
  return {
    news: ({ what, ms }) => {
      if (what !== 'started') wakes.inc({ outcome: what });
      if (what === 'ready') ready.observe(ms / 1000);
    },
    begin: (what) => {
      open[what].inc();
      let isOver = false;
      return () => {
        if (!isOver) open[what].dec();
        isOver = true;
      };
    },
    retried: (why) => retries.inc({ why }),
    render: () => {
      wakesOpen.set(underWay());
      return registry.metrics();
    },
  };
}
