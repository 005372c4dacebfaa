import type { ProviderStatus } from '../cache/engine.ts';
import { byteSize, duration } from './progress.ts';
import { textTable } from './table.ts';

export interface DemoWarmed {
  readonly providers: readonly ProviderStatus[];
  /** Names. */
  readonly failed: readonly string[];
  /** Of the recorded upstreams. */
  readonly requests: number;
  readonly seconds: number;
}

export interface DemoAnswer {
  readonly user: string;
  readonly status: number;
  readonly packages: number;
}

/** What the demo did, what it serves and what to try. `served`: undefined where it ends at once. */
export function demoText(
  { providers, failed, requests, seconds }: DemoWarmed,
  answer: DemoAnswer,
  served: { readonly url: string; readonly adminToken: string } | undefined,
): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  const rows = providers.map(({ provider, entries, bytes, retired }) => [
    provider,
    entries.fresh,
    entries.stale + entries.error,
    byteSize(bytes),
    retired ? 'its upstream is gone: served as empty' : failed.includes(provider) ? 'failed' : '',
  ]);
  const table = textTable(
    [{ title: 'provider' }, right('fresh'), right('older'), right('size'), { title: '' }],
    rows,
  );
  const first = `Filled in ${duration(seconds)} by ${requests} requests to recorded upstreams on this machine:\n\n${table}`;
  const asked = `\nThe packages of ${answer.user}: ${answer.packages}, status ${answer.status} (200: complete; 202: some of it is still being fetched)`;
  if (served === undefined) return `${first}\n${asked}`;
  const { url, adminToken } = served;
  return [
    first,
    asked,
    '',
    `Dashboard:  ${url}/dashboard   (token: ${adminToken})`,
    `API:        ${url}/api/v2/packager_dashboard?users=${answer.user}`,
    `            ${url}/api/openapi.json`,
    '',
    'Ctrl-C ends it.',
  ].join('\n');
}
