import { type Fields, fieldsOf, type Sifted, sift, textOf, unfit } from './fields.ts';

/** What `/api/v1/releases` gives. Numbers of versions; `values` ascends and ends with Rawhide's. */
export type Releases = {
  readonly fedora: {
    readonly values: readonly number[];
    readonly stable: number;
    readonly branched: number | null;
    readonly branched_frozen: boolean;
    readonly rawhide: number;
  };
  /** A number, or text where there is a minor one: `10.1` is not `10.10`. */
  readonly epel: readonly (number | string)[];
};

interface Release {
  readonly name: string;
  readonly branch: string;
  readonly state: string;
}

/** Of Bodhi's releases that are not archived. Throws `malformed` when no stable release or no Rawhide is among them. */
export function releasesValue(list: unknown): { readonly value: Releases; readonly leftOut: number } {
  const { items, leftOut }: Sifted<Release> = sift(list, 'the releases of Bodhi', releaseOf);
  const live = items.filter(({ state }) => state !== 'archived' && state !== 'disabled');
  const fedora = live.flatMap((one) => {
    const number = /^F(\d{1,3})$/.exec(one.name)?.[1];
    return number === undefined ? [] : [{ ...one, number: Number(number) }];
  });
  const rawhide = fedora.find(({ branch }) => branch === 'rawhide' || branch === 'master')?.number;
  const stable = maxOf(fedora.filter((one) => one.state === 'current' && one.number !== rawhide));
  if (rawhide === undefined || stable === undefined) {
    const names = fedora.map(({ name }) => name).join(', ') || 'none';
    throw unfit('the releases of Bodhi', `a stable release and Rawhide were expected among ${names}`);
  }
  const branched = fedora.find(
    ({ number, state }) => number > stable && number < rawhide && state !== 'current',
  );
  return {
    value: {
      fedora: {
        values: [...new Set(fedora.map(({ number }) => number))].sort((a, b) => a - b),
        stable,
        branched: branched?.number ?? null,
        branched_frozen: branched?.state === 'frozen',
        rawhide,
      },
      epel: epelOf(live),
    },
    leftOut,
  };
}

function releaseOf(item: unknown): Release | undefined {
  const fields: Fields | undefined = fieldsOf(item);
  const name = textOf(fields?.name);
  const state = textOf(fields?.state);
  if (name === undefined || state === undefined) return undefined;
  return { name, state, branch: textOf(fields?.branch) ?? '' };
}

function epelOf(releases: readonly Release[]): readonly (number | string)[] {
  const versions = releases.flatMap(({ name }) => /^EPEL-(\d{1,3}(?:\.\d{1,3})?)$/.exec(name)?.[1] ?? []);
  const sorted = [...new Set(versions)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return sorted.map((version) => (version.includes('.') ? version : Number(version)));
}

function maxOf(releases: readonly { readonly number: number }[]): number | undefined {
  return releases.length === 0 ? undefined : Math.max(...releases.map(({ number }) => number));
}

/** Rawhide's number, of a cached value of any shape. */
export function rawhideOf(releases: unknown): number | undefined {
  const rawhide = fieldsOf(fieldsOf(releases)?.fedora)?.rawhide;
  return typeof rawhide === 'number' ? rawhide : undefined;
}

/**
 * What people call a release: of Bodhi's names (F41, EPEL-9), of branches (rawhide, f41, epel9), of collections of Koschei.
 * Undefined for anything else.
 */
export function labelOf(name: string, rawhide: number | undefined): string | undefined {
  const word = name.toLowerCase();
  if (word === 'rawhide' || word === 'main' || word === 'master') return 'Fedora Rawhide';
  if (word === 'eln') return 'Fedora ELN';
  const fedora = /^f(?:edora[ -]?)?(\d{1,3})$/.exec(word)?.[1];
  if (fedora !== undefined) return Number(fedora) === rawhide ? 'Fedora Rawhide' : `Fedora ${Number(fedora)}`;
  const epel = /^(?:epel[ -]?|el)(\d{1,3}(?:\.\d{1,3})?)$/.exec(word)?.[1];
  return epel === undefined ? undefined : `EPEL ${epel}`;
}
