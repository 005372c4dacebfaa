import type { Fetched, FetchRequest, UpstreamAnswer } from '../../cache/contract.ts';
import { ownersValue } from '../../records/cache/owners.ts';
import { HOUR_MS } from '../clocks.ts';
import { base, type FedoraProvider, GUARDED, usual } from './make.ts';
import { mapping, object, TEXT_OR_NULL, TEXTS } from './shapes.ts';

export const OWNERS = 'packages_owners_json';

export const owners: FedoraProvider = {
  name: OWNERS,
  needs: ['src'],
  make: (config) => {
    const src = base(config, 'src');
    return usual(config, HOUR_MS, {
      name: OWNERS,
      title: 'Owners of packages',
      kind: 'single',
      schema: mapping(object({ users: TEXTS, groups: TEXTS, main: TEXT_OR_NULL })),
      upstream: src,
      ...GUARDED,
      fetch: (request) => fetchOwners(request, `${src}/extras`),
    });
  },
};

/** Two documents make one value: both are asked whether they changed, and when one has, both are wanted whole. */
async function fetchOwners({ http, previous }: FetchRequest, extras: string): Promise<Fetched> {
  const urls = [`${extras}/pagure_owner_alias.json`, `${extras}/pagure_poc.json`] as const;
  const tags = previous?.etag?.split('\n') ?? [];
  const asked = await Promise.all(
    urls.map((url, at) => http.getJson(url, tags.length === urls.length ? { etag: tags[at] ?? '' } : {})),
  );
  if (asked.every(({ kind }) => kind === 'unchanged')) return { kind: 'unchanged' };
  const [alias, contacts] = await Promise.all(
    asked.map((answer, at) => (answer.kind === 'unchanged' ? http.getJson(urls[at] ?? '') : answer)),
  );
  if (alias?.kind !== 'value') return { kind: 'absent', reason: 'dist-git has no list of owners' };
  const value = ownersValue(alias.value, contacts?.kind === 'value' ? contacts.value : undefined);
  const etags = [alias, contacts].map(etagOf);
  return { kind: 'value', ...value, ...(etags.every((tag) => tag !== '') && { etag: etags.join('\n') }) };
}

function etagOf(answer: UpstreamAnswer | undefined): string {
  return answer?.kind === 'value' ? (answer.etag ?? '') : '';
}
