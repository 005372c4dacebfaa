import type { Served } from './served.ts';

/** What was asked, as lines of Prometheus' text format. */
export interface RequestMetrics {
  /** A request begins; to be called when it has ended, with what it was for and how it ended. */
  begin(): (what: string, status: string) => void;
  render(served: Served): string;
}

const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

interface Series {
  readonly buckets: number[];
  count: number;
  sumS: number;
}

export function createRequestMetrics(monotonicMs: () => number): RequestMetrics {
  const totals = new Map<string, number>();
  const times = new Map<string, Series>();
  let open = 0;
  return {
    begin: () => {
      const beganMs = monotonicMs();
      open += 1;
      return (what, status) => {
        open -= 1;
        const labels = `what="${escaped(what)}",status="${escaped(status)}"`;
        totals.set(labels, (totals.get(labels) ?? 0) + 1);
        observe(times, `what="${escaped(what)}"`, (monotonicMs() - beganMs) / 1000);
      };
    },
    render: (served) =>
      [
        ...head('serve_requests_total', 'counter', 'Requests that were answered'),
        ...[...totals].map(([labels, count]) => `samovar_serve_requests_total{${labels}} ${count}`),
        ...head('serve_requests_open', 'gauge', 'Requests under way, and followers that wait'),
        `samovar_serve_requests_open ${open}`,
        ...head('serve_request_seconds', 'histogram', 'From a request to its answer'),
        ...[...times].flatMap(([labels, series]) => histogram(labels, series)),
        ...repoLines(served),
        '',
      ].join('\n'),
  };
}

function observe(times: Map<string, Series>, labels: string, seconds: number): void {
  const series = times.get(labels) ?? { buckets: BUCKETS_S.map(() => 0), count: 0, sumS: 0 };
  times.set(labels, series);
  series.count += 1;
  series.sumS += seconds;
  BUCKETS_S.forEach((limit, at) => {
    if (seconds <= limit) series.buckets[at] = (series.buckets[at] ?? 0) + 1;
  });
}

function histogram(labels: string, { buckets, count, sumS }: Series): readonly string[] {
  const name = 'samovar_serve_request_seconds';
  return [
    ...BUCKETS_S.map((limit, at) => `${name}_bucket{${labels},le="${limit}"} ${buckets[at]}`),
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sumS}`,
    `${name}_count{${labels}} ${count}`,
  ];
}

function repoLines(served: Served): readonly string[] {
  const all = served.repos().map(({ repo, state }) => {
    const label = `{repository="${escaped(`${repo.owner}/${repo.name}`)}"}`;
    return { label, counts: repo.counts(), ready: state().ready ? 1 : 0 };
  });
  return [
    ...head('serve_ready', 'gauge', "1 when the repository's log is replayed"),
    ...all.map(({ label, ready }) => `samovar_serve_ready${label} ${ready}`),
    ...head('serve_issues', 'gauge', 'Issues and pull requests that are there'),
    ...all.map(({ label, counts }) => `samovar_serve_issues${label} ${counts.issues + counts.pulls}`),
  ];
}

function head(name: string, type: string, help: string): readonly string[] {
  return [`# HELP samovar_${name} ${help}`, `# TYPE samovar_${name} ${type}`];
}

function escaped(value: string): string {
  return value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
}
