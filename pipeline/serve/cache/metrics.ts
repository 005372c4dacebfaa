import type { Cache, HostStatus, ProviderStatus } from '../../cache/engine.ts';

/** What was asked of the API and how old the cache is, as lines of Prometheus' text format. */
export interface ApiMetrics {
  /** `what`: one of few names, never a path. */
  answered(what: string, status: number, tookMs: number): void;
  render(): string;
}

const LIMITS_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const BREAKERS = { closed: 0, 'half-open': 1, open: 2 } as const;

export function createApiMetrics(cache: Cache): ApiMetrics {
  const counts = new Map<string, number>();
  const times = LIMITS_S.map(() => 0);
  let all = 0;
  let sumS = 0;
  return {
    answered: (what, status, tookMs) => {
      const labels = labelled({ what, status: String(status) });
      counts.set(labels, (counts.get(labels) ?? 0) + 1);
      const took = Math.max(0, tookMs) / 1_000;
      all += 1;
      sumS += took;
      LIMITS_S.forEach((limit, at) => {
        if (took <= limit) times[at] = (times[at] ?? 0) + 1;
      });
    },
    render: () =>
      [
        ...metric('cache_requests_total', 'counter', 'Requests that the API answered', [...counts]),
        ...metric('cache_request_seconds', 'histogram', 'From a request to its answer', []),
        ...LIMITS_S.map((limit, at) => `samovar_cache_request_seconds_bucket{le="${limit}"} ${times[at]}`),
        `samovar_cache_request_seconds_bucket{le="+Inf"} ${all}`,
        `samovar_cache_request_seconds_sum ${sumS}`,
        `samovar_cache_request_seconds_count ${all}`,
        ...stateLines(cache.providerStates()),
        ...hostLines(cache.hostStates()),
        ...metric('cache_seq', 'gauge', 'Grows with every change of the cache', [['', cache.seq()]]),
        '',
      ].join('\n'),
  };
}

type Sample = readonly [labels: string, value: number];

function metric(name: string, type: string, help: string, samples: readonly Sample[]): readonly string[] {
  return [
    `# HELP samovar_${name} ${help}`,
    `# TYPE samovar_${name} ${type}`,
    ...samples.map(([labels, value]) => `samovar_${name}${labels} ${value}`),
  ];
}

function stateLines(states: readonly ProviderStatus[]): readonly string[] {
  const of = (value: (state: ProviderStatus) => number | undefined): readonly Sample[] =>
    states.flatMap((state) => {
      const seen = value(state);
      return seen === undefined ? [] : [[labelled({ provider: state.provider }), seen] as const];
    });
  const entries = states.flatMap(({ provider, entries }) =>
    Object.entries(entries).map(([state, count]) => [labelled({ provider, state }), count] as const),
  );
  const jobs = states.flatMap(({ provider, waiting, running, failed }) =>
    Object.entries({ waiting, running, failed }).map(
      ([state, count]) => [labelled({ provider, state }), count] as const,
    ),
  );
  return [
    ...metric('cache_entries', 'gauge', 'Entries of a provider, by state', entries),
    ...metric(
      'cache_bytes',
      'gauge',
      'Bytes of its values',
      of(({ bytes }) => bytes),
    ),
    ...metric(
      'cache_oldest_seconds',
      'gauge',
      'Age of the oldest value that is served',
      of(({ oldestAgeMs }) => (oldestAgeMs === undefined ? undefined : oldestAgeMs / 1_000)),
    ),
    ...metric('cache_jobs', 'gauge', 'Jobs of a provider, by state', jobs),
    ...metric(
      'cache_paused',
      'gauge',
      '1 when it is paused',
      of(({ paused }) => (paused ? 1 : 0)),
    ),
  ];
}

function hostLines(hosts: readonly HostStatus[]): readonly string[] {
  const of = (value: (host: HostStatus) => number): readonly Sample[] =>
    hosts.map((host) => [labelled({ host: host.host }), value(host)]);
  return [
    ...metric(
      'cache_host_breaker',
      'gauge',
      'Breaker of a host: 0 closed, 1 half open, 2 open',
      of(({ breaker }) => BREAKERS[breaker]),
    ),
    ...metric(
      'cache_host_requests_total',
      'counter',
      'Requests to a host',
      of(({ requests }) => requests),
    ),
    ...metric(
      'cache_host_in_flight',
      'gauge',
      'Requests under way',
      of(({ inFlight }) => inFlight),
    ),
  ];
}

function labelled(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`,
  );
  return `{${pairs.join(',')}}`;
}
