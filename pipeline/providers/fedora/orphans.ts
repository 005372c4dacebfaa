import { orphansValue } from '../../records/cache/orphans.ts';
import { HOUR_MS } from '../clocks.ts';
import { base, type FedoraProvider, GUARDED, usual } from './make.ts';
import { oneDocument } from './pages.ts';
import { mapping, object, TEXT_OR_NULL, TEXTS } from './shapes.ts';

export const ORPHANS = 'orphans';

export const orphans: FedoraProvider = {
  name: ORPHANS,
  needs: ['orphans'],
  make: (config) => {
    const url = base(config, 'orphans');
    return usual(config, 6 * HOUR_MS, {
      name: ORPHANS,
      title: 'Orphaned packages, and what needs them',
      kind: 'single',
      schema: mapping(object({ since: TEXT_OR_NULL, needs: TEXTS })),
      upstream: url,
      ...GUARDED,
      fetch: ({ http, previous }) => oneDocument({ http, url, previous }, orphansValue),
    });
  },
};
