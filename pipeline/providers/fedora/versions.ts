import type { Fetched, FetchRequest } from '../../cache/contract.ts';
import { fieldsOf, listOf } from '../../records/cache/fields.ts';
import { labelOf, rawhideOf } from '../../records/cache/releases.ts';
import { mdapiVersion, type Versions, versionsValue } from '../../records/cache/versions.ts';
import { HOUR_MS } from '../clocks.ts';
import type { FedoraConfig } from '../types.ts';
import { base, type FedoraProvider, GUARDED, RELEASES, usual } from './make.ts';
import { limited, oneDocument } from './pages.ts';
import { mapping, object, TEXT_OR_NULL } from './shapes.ts';

export const VERSIONS = 'package_versions_generic';
const SCHEMA = mapping(object({ stable: TEXT_OR_NULL, testing: TEXT_OR_NULL }));
const TITLE = 'Versions of packages in each release';

/** A URL that ends with `.json` is one document of all packages; any other is an mdapi, asked for each package that is wanted. */
export function isBulk(config: FedoraConfig): boolean {
  return new URL(base(config, 'mdapi')).pathname.endsWith('.json');
}

export const versions: FedoraProvider = {
  name: VERSIONS,
  needs: ['mdapi'],
  make: (config) => {
    const upstream = base(config, 'mdapi');
    const given = { name: VERSIONS, title: TITLE, upstream, dependsOn: [RELEASES] };
    if (!isBulk(config)) {
      const keys = { rule: 'seen' } as const;
      const fetch = (request: FetchRequest) => fetchPackage(request, upstream);
      return usual(config, 6 * HOUR_MS, {
        ...given,
        kind: 'keyed',
        schema: SCHEMA,
        concurrency: 2,
        keys,
        fetch,
      });
    }
    return usual(config, 6 * HOUR_MS, {
      ...given,
      ...GUARDED,
      kind: 'single',
      schema: mapping(SCHEMA),
      fetch: ({ http, previous, read }) => {
        const rawhide = rawhideOf(read(RELEASES, ''));
        const request = { http, url: upstream, previous, basis: String(rawhide) };
        return oneDocument(request, (document) => versionsValue(document, rawhide));
      },
    });
  },
};

/** One request a release; a release without the package has no line. Absent when none has it. */
async function fetchPackage({ http, key, read, signal }: FetchRequest, mdapi: string): Promise<Fetched> {
  const known = read(RELEASES, '');
  const branches = branchesOf(known);
  const found = await limited(branches.length, signal, async (at) => {
    const answer = await http.getJson(`${mdapi}/${branches[at]}/srcpkg/${encodeURIComponent(key)}`);
    return answer.kind === 'value' ? mdapiVersion(answer.value) : undefined;
  });
  const value: Record<string, Versions[string]> = {};
  for (const [at, version] of found.entries()) {
    const label = labelOf(branches[at] ?? '', rawhideOf(known));
    if (version === undefined || label === undefined) continue;
    value[label] = version.testing
      ? { stable: null, testing: version.nvr }
      : { stable: version.nvr, testing: null };
  }
  if (Object.keys(value).length === 0) return { kind: 'absent', reason: 'no release has such a package' };
  return { kind: 'value', value };
}

function branchesOf(releases: unknown): readonly string[] {
  const fedora = fieldsOf(fieldsOf(releases)?.fedora);
  const rawhide = rawhideOf(releases);
  const numbers = (listOf(fedora?.values) ?? []).filter((number) => number !== rawhide);
  const epel = (listOf(fieldsOf(releases)?.epel) ?? []).map((version) => `epel${String(version)}`);
  return ['rawhide', ...numbers.map((number) => `f${String(number)}`), ...epel];
}
