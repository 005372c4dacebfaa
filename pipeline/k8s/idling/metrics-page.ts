import { type Listening, listenHttp } from '../listen.ts';

const LIMITS = { connectionsMax: 50, silenceMs: 30_000 } as const;

/** /metrics and /healthz at an address of their own, so that no host of visitors shows them. Throws `config`. */
export function listenMetrics(address: string, render: () => Promise<string>): Promise<Listening> {
  const answer = async (request: Request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/healthz') return new Response('Still OK\n');
    if (pathname !== '/metrics') return new Response('Not found\n', { status: 404 });
    const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
    return new Response(await render(), { headers });
  };
  return listenHttp(address, answer, LIMITS);
}
