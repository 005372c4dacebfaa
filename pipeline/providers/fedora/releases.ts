import { releasesValue } from '../../records/cache/releases.ts';
import { HOUR_MS } from '../clocks.ts';
import { base, type FedoraProvider, RELEASES, usual } from './make.ts';
import { allPages, pagesField } from './pages.ts';
import { list, object, WHOLE } from './shapes.ts';

const SCHEMA = object({
  fedora: object({
    values: { ...list(WHOLE), minItems: 1 },
    stable: WHOLE,
    branched: { type: ['integer', 'null'] },
    branched_frozen: { type: 'boolean' },
    rawhide: WHOLE,
  }),
  epel: list({ type: ['integer', 'string'] }),
});

export const releases: FedoraProvider = {
  name: RELEASES,
  needs: ['bodhi'],
  make: (config) => {
    const bodhi = base(config, 'bodhi');
    return usual(config, HOUR_MS, {
      name: RELEASES,
      title: 'Releases of Fedora and EPEL',
      kind: 'single',
      schema: SCHEMA,
      upstream: bodhi,
      fetch: async (request) => {
        const items = await allPages(request, {
          urlOf: (page) => `${bodhi}/releases/?exclude_archived=1&rows_per_page=100&page=${page}`,
          countOf: pagesField,
          itemsOf: (answer) => (answer as { readonly releases?: unknown } | null)?.releases,
        });
        if (items === undefined) return { kind: 'absent', reason: 'Bodhi has no list of releases' };
        return { kind: 'value', ...releasesValue(items) };
      },
    });
  },
};
