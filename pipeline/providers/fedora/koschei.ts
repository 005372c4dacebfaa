import { koscheiValue } from '../../records/cache/koschei.ts';
import { rawhideOf } from '../../records/cache/releases.ts';
import { HOUR_MS } from '../clocks.ts';
import { base, type FedoraProvider, GUARDED, RELEASES, usual } from './make.ts';
import { oneDocument } from './pages.ts';
import { list, mapping, object, TEXT, TEXT_OR_NULL } from './shapes.ts';

export const KOSCHEI = 'koschei_data';
/** Where people look at builds; nothing is fetched from it. */
const KOJI = 'https://koji.fedoraproject.org/koji';

const STATE = object({
  release: TEXT,
  status: TEXT,
  url: TEXT,
  last_success: { ...object({ time: TEXT_OR_NULL, url: TEXT }), type: ['object', 'null'] },
});

export const koschei: FedoraProvider = {
  name: KOSCHEI,
  needs: ['koschei'],
  make: (config) => {
    const url = base(config, 'koschei');
    return usual(config, HOUR_MS, {
      name: KOSCHEI,
      title: 'Whether packages still build, by Koschei',
      kind: 'single',
      schema: mapping(list(STATE)),
      upstream: url,
      dependsOn: [RELEASES],
      ...GUARDED,
      fetch: ({ http, previous, read }) => {
        const rawhide = rawhideOf(read(RELEASES, ''));
        const request = { http, url: `${url}/api/v1/packages`, previous, basis: String(rawhide) };
        const places = { koschei: url, koji: KOJI, rawhide };
        return oneDocument(request, (document) => koscheiValue(document, places, previous?.value));
      },
    });
  },
};
