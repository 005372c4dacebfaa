import { codeOfStatus, SamovarError } from '../../errors.ts';
import { listAt, textAt, valueAt } from '../idling/fields.ts';

export interface RequestsOptions {
  /** Of a server with Prometheus' API: `http://prometheus.monitoring:9090`. */
  readonly url: string;
  /** Gives a count per label `host`; `{window}` is the time that has to be quiet. */
  readonly query: string;
  readonly quietMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Of ingress-nginx. */
export const REQUESTS_QUERY = 'sum by (host) (increase(nginx_ingress_controller_requests[{window}]))';

/**
 * Hosts that had requests. A host without a series had none. Throws SamovarError when the server does not answer, or knows no host at
 * all: then nothing counts, and nothing is to be idled for it.
 */
export async function activeHosts(options: RequestsOptions): Promise<ReadonlySet<string>> {
  const { url, query, quietMs, timeoutMs, signal } = options;
  const asked = new URL(`${url.replace(/\/+$/, '')}/api/v1/query`);
  asked.searchParams.set('query', query.replaceAll('{window}', `${Math.ceil(quietMs / 1000)}s`));
  const answer = await ask(asked, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
  const series = listAt(answer, 'data', 'result');
  if (textAt(answer, 'status') !== 'success' || series.length === 0)
    throw new SamovarError('malformed', `cannot tell which apps are used: ${url} counts no requests`, {
      subject: url,
      remedy: 'Check --requests-query: it is to give a count per label host.',
    });
  const active = series.filter((each) => {
    const value = valueAt(each, 'value');
    // NaN is no proof that nobody asked.
    return !(Array.isArray(value) && Number(value[1]) <= 0);
  });
  return new Set(active.map((each) => textAt(each, 'metric', 'host').toLowerCase()));
}

async function ask(url: URL, signal: AbortSignal): Promise<unknown> {
  const cannot = `cannot ask ${url.origin} which apps are used`;
  try {
    const response = await fetch(url, { signal, redirect: 'error' });
    if (!response.ok)
      throw new SamovarError(codeOfStatus(response.status), `${cannot}: HTTP ${response.status}`, {
        subject: url.origin,
        status: response.status,
      });
    return await response.json();
  } catch (cause) {
    if (cause instanceof SamovarError) throw cause;
    throw new SamovarError('network', cannot, { subject: url.origin, cause });
  }
}
