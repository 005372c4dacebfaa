import type { Fetched, FetchRequest, Provider } from '../../cache/contract.ts';
import {
  type ByPackage,
  type Override,
  overridesValue,
  type Update,
  updatesValue,
} from '../../records/cache/bodhi.ts';
import { fieldsOf } from '../../records/cache/fields.ts';
import { rawhideOf } from '../../records/cache/releases.ts';
import { MINUTE_MS } from '../clocks.ts';
import type { FedoraConfig } from '../types.ts';
import { base, type FedoraProvider, GUARDED, RELEASES, usual } from './make.ts';
import { allPages, pagesField } from './pages.ts';
import { list, mapping, object, type Schema, TEXT, TEXT_OR_NULL, TEXTS, WHOLE } from './shapes.ts';

const UPDATE = object({
  pretty_name: TEXT,
  updateid: TEXT,
  url: TEXT_OR_NULL,
  type: TEXT,
  status: TEXT,
  release: TEXT,
  karma: WHOLE,
  comments: WHOLE,
  submission_date: TEXT_OR_NULL,
  stable_by_time: TEXT_OR_NULL,
  builds_nvrs: TEXTS,
});

const OVERRIDE = object({
  pretty_name: TEXT,
  url: TEXT_OR_NULL,
  release: TEXT,
  submission_date: TEXT_OR_NULL,
  expiration_date: TEXT_OR_NULL,
});

export const updates: FedoraProvider = {
  name: 'bodhi_updates',
  needs: ['bodhi'],
  make: (config) =>
    bulk(config, {
      name: 'bodhi_updates',
      title: 'Updates that are pending or in testing',
      schema: mapping(list(UPDATE)),
      query: 'updates/?status=pending&status=testing&rows_per_page=100',
      member: 'updates',
      toValue: updatesValue,
    }),
};

export const overrides: FedoraProvider = {
  name: 'bodhi_overrides',
  needs: ['bodhi'],
  make: (config) =>
    bulk(config, {
      name: 'bodhi_overrides',
      title: 'Buildroot overrides that have not expired',
      schema: mapping(list(OVERRIDE)),
      query: 'overrides/?expired=false&rows_per_page=100',
      member: 'overrides',
      toValue: overridesValue,
    }),
};

interface Bulk {
  readonly name: string;
  readonly title: string;
  readonly schema: Schema;
  readonly query: string;
  readonly member: string;
  readonly toValue: (items: readonly unknown[], rawhide: number | undefined) => ByPackage<Update | Override>;
}

function bulk(config: FedoraConfig, { name, title, schema, query, member, toValue }: Bulk): Provider {
  const bodhi = base(config, 'bodhi');
  const fetch = async (request: FetchRequest): Promise<Fetched> => {
    const items = await allPages(request, {
      urlOf: (page) => `${bodhi}/${query}&page=${page}`,
      countOf: pagesField,
      itemsOf: (answer) => fieldsOf(answer)?.[member],
    });
    if (items === undefined) return { kind: 'absent', reason: `Bodhi has no list of ${member}` };
    return { kind: 'value', ...toValue(items, rawhideOf(request.read(RELEASES, ''))) };
  };
  // Few overrides stand at a time, and a freeze may end all of them at once: only updates are guarded.
  const guard = name === 'bodhi_updates' ? GUARDED : {};
  const given = { name, title, schema, upstream: bodhi, dependsOn: [RELEASES], ...guard };
  return usual(config, 30 * MINUTE_MS, { ...given, kind: 'single', fetch });
}
