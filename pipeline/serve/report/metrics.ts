import type { KeepStats } from './keep.ts';

const LIMITS_S = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What was asked of the report, as lines of Prometheus' text format. */
export interface ReportMetrics {
  /** `what`: one of few names, never an address. */
  answered(what: string, status: number, tookMs: number): void;
  render(stats: KeepStats): string;
}

export function createReportMetrics(): ReportMetrics {
  const requests = new Map<string, number>();
  const times = LIMITS_S.map(() => 0);
  let all = 0;
  let sumS = 0;
  return {
    answered: (what, status, tookMs) => {
      const labels = `{what="${what}",status="${status}"}`;
      requests.set(labels, (requests.get(labels) ?? 0) + 1);
      const tookS = Math.max(0, tookMs) / 1_000;
      all += 1;
      sumS += tookS;
      LIMITS_S.forEach((limit, at) => {
        if (tookS <= limit) times[at] = (times[at] ?? 0) + 1;
      });
    },
    render: ({ entries, bytes, reading, counts }) =>
      [
        ...metric('report_requests_total', 'counter', 'Requests that were answered', [...requests]),
        ...metric('report_request_seconds', 'histogram', 'From a request to its answer', [
          ...LIMITS_S.map((limit, at) => [`_bucket{le="${limit}"}`, times[at] ?? 0] as const),
          ...[['_bucket{le="+Inf"}', all] as const, ['_sum', sumS] as const, ['_count', all] as const],
        ]),
        ...metric(
          'report_answers_total',
          'counter',
          'Views that were kept, read, told though old, or refused',
          Object.entries(counts).map(([how, count]) => [`{how="${how}"}`, count]),
        ),
        ...metric('report_kept_entries', 'gauge', 'Views that are kept', [['', entries]]),
        ...metric('report_kept_bytes', 'gauge', 'Their size', [['', bytes]]),
        ...metric('report_reading', 'gauge', 'Views that are being read', [['', reading]]),
        '',
      ].join('\n'),
  };
}

type Sample = readonly [suffix: string, value: number];

function metric(name: string, type: string, help: string, samples: readonly Sample[]): readonly string[] {
  return [
    `# HELP samovar_${name} ${help}`,
    `# TYPE samovar_${name} ${type}`,
    ...samples.map(([suffix, value]) => `samovar_${name}${suffix} ${value}`),
  ];
}
