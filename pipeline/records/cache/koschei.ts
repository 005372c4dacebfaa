import type { ByPackage } from './bodhi.ts';
import { fieldsOf, group, listOf, nameOf, own, sift, textOf, wholeOf } from './fields.ts';
import { labelOf } from './releases.ts';
import { timeOf } from './times.ts';

export type KoscheiState = {
  readonly release: string;
  readonly status: string;
  readonly url: string;
  /** Of the last build that was good, as far as it was seen. */
  readonly last_success: { readonly time: string | null; readonly url: string } | null;
};

export interface KoscheiPlaces {
  /** Base URLs without a slash at the end. */
  readonly koschei: string;
  readonly koji: string;
  readonly rawhide: number | undefined;
}

/**
 * Packages' states in each collection. The bulk answer knows the last build only, good or not: what is known of the last good one
 * is kept from `previous`, the value so far.
 */
export function koscheiValue(
  list: unknown,
  places: KoscheiPlaces,
  previous: unknown,
): ByPackage<KoscheiState> {
  const known = fieldsOf(previous);
  const { items, leftOut } = sift(list, 'the packages of Koschei', (item) => stateOf(item, places, known));
  const sorted = [...items].sort(([, a], [, b]) => (a.url < b.url ? -1 : 1));
  return { value: group(sorted), leftOut };
}

type Known = ReturnType<typeof fieldsOf>;

function stateOf(
  item: unknown,
  places: KoscheiPlaces,
  known: Known,
): readonly [string, KoscheiState] | undefined {
  const fields = fieldsOf(item);
  const name = nameOf(fields?.name);
  const collection = nameOf(fields?.collection);
  const status = textOf(fields?.state);
  if (name === undefined || collection === undefined || status === undefined) return undefined;
  const url = `${places.koschei}/package/${encodeURIComponent(name)}?collection=${encodeURIComponent(collection)}`;
  const release = labelOf(collection, places.rawhide) ?? collection;
  const success = status === 'ok' ? successOf(fields?.last_complete_build, places.koji) : undefined;
  return [name, { release, status, url, last_success: success ?? previousSuccess(known, name, url) }];
}

function successOf(value: unknown, koji: string): KoscheiState['last_success'] | undefined {
  const build = fieldsOf(value);
  const task = wholeOf(build?.task_id);
  if (build === undefined || task === undefined) return undefined;
  return { time: timeOf(build.time_finished) ?? null, url: `${koji}/taskinfo?taskID=${task}` };
}

function previousSuccess(known: Known, name: string, url: string): KoscheiState['last_success'] {
  const states = listOf(own(known, name)) ?? [];
  const state = states.map(fieldsOf).find((one) => one?.url === url);
  const success = fieldsOf(state?.last_success);
  const successUrl = textOf(success?.url);
  return successUrl === undefined ? null : { time: textOf(success?.time) ?? null, url: successUrl };
}
