import type { Metrics } from '../../pipeline/monitor/contract.ts';

/** Metrics that count nothing. */
export const NO_METRICS: Metrics = {
  event: () => undefined,
  rowWritten: () => undefined,
  retry: () => undefined,
  acknowledged: () => undefined,
  onScrape: () => undefined,
  render: async () => '# the monitor\n',
};

/** An answer, read. */
export interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes.
  readonly json: any;
}
