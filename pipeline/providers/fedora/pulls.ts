import type { Fetched, FetchRequest } from '../../cache/contract.ts';
import { fieldsOf } from '../../records/cache/fields.ts';
import { ciStatus, pullsOf } from '../../records/cache/pulls.ts';
import { rawhideOf } from '../../records/cache/releases.ts';
import { HOUR_MS } from '../clocks.ts';
import { base, type FedoraProvider, RELEASES, usual } from './make.ts';
import { allPages, limited, paginationField } from './pages.ts';
import { list, mapping, object, TEXT, TEXT_OR_NULL, WHOLE } from './shapes.ts';

const SCHEMA = list(
  object({
    title: TEXT,
    url: TEXT,
    author: TEXT,
    release: TEXT,
    date_created: TEXT_OR_NULL,
    last_updated: TEXT_OR_NULL,
    comments: WHOLE,
    ci_status: mapping(TEXT_OR_NULL),
  }),
);

export const pulls: FedoraProvider = {
  name: 'package_prs',
  needs: ['src'],
  make: (config) => {
    const src = base(config, 'src');
    return usual(config, 2 * HOUR_MS, {
      name: 'package_prs',
      title: 'Open pull requests of packages',
      kind: 'keyed',
      schema: SCHEMA,
      upstream: src,
      concurrency: 4,
      keys: { rule: 'seen' },
      dependsOn: [RELEASES],
      empty: [],
      fetch: (request) => fetchPulls(request, src),
    });
  },
};

async function fetchPulls(request: FetchRequest, src: string): Promise<Fetched> {
  const { http, key, read, signal } = request;
  const api = `${src}/api/0/rpms/${encodeURIComponent(key.toWellFormed())}`;
  const items = await allPages(request, {
    urlOf: (page) => `${api}/pull-requests?status=Open&per_page=100&page=${page}`,
    countOf: paginationField,
    itemsOf: (answer) => fieldsOf(answer)?.requests,
  });
  if (items === undefined) return { kind: 'absent', reason: 'dist-git has no such package' };
  const { items: heads, leftOut } = pullsOf(items, rawhideOf(read(RELEASES, '')));
  const unique = [...new Map(heads.map((head) => [head.id, head])).values()].sort((a, b) => b.id - a.id);
  const statuses = await limited(unique.length, signal, async (at) => {
    const answer = await http.getJson(`${api}/pull-request/${unique[at]?.id}/flag`);
    return ciStatus(answer.kind === 'value' ? answer.value : undefined);
  });
  return {
    kind: 'value',
    value: unique.map(({ pull }, at) => ({ ...pull, ci_status: statuses[at] ?? {} })),
    leftOut,
  };
}
