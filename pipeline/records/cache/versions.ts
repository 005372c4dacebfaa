import { fieldsOf, ordered, siftEntries, textOf } from './fields.ts';
import { labelOf } from './releases.ts';

export type Versions = Readonly<
  Record<string, { readonly stable: string | null; readonly testing: string | null }>
>;

export interface VersionsByPackage {
  readonly value: Readonly<Record<string, Versions>>;
  readonly leftOut: number;
}

/** Of a bulk document: package, release (a label or a branch), `stable` and `testing` as name-version-release. */
export function versionsValue(document: unknown, rawhide: number | undefined): VersionsByPackage {
  const wrapped = fieldsOf(fieldsOf(document)?.packages);
  const { items, leftOut } = siftEntries(wrapped ?? document, 'the versions of packages', (name, item) => {
    const versions = versionsOf(name, item, rawhide);
    return versions === undefined ? undefined : ([name, versions] as const);
  });
  return { value: ordered(items), leftOut };
}

function versionsOf(name: string, item: unknown, rawhide: number | undefined): Versions | undefined {
  const releases = fieldsOf(item);
  if (releases === undefined || !/^[A-Za-z0-9][\w.+-]{0,127}$/.test(name)) return undefined;
  const known = Object.entries(releases).flatMap(([release, value]) => {
    const label = labelOf(release, rawhide) ?? (/^(Fedora|EPEL) \w/.test(release) ? release : undefined);
    const fields = fieldsOf(value);
    if (label === undefined || fields === undefined) return [];
    return [
      [label, { stable: textOf(fields.stable) ?? null, testing: textOf(fields.testing) ?? null }] as const,
    ];
  });
  return known.length === 0 ? undefined : ordered(known);
}

/** One answer of mdapi for a branch: which version is in which repository. Undefined: it is not one. */
export function mdapiVersion(
  answer: unknown,
): { readonly nvr: string; readonly testing: boolean } | undefined {
  const fields = fieldsOf(answer);
  const [name, version, release] = [fields?.basename, fields?.version, fields?.release].map(textOf);
  if (name === undefined || version === undefined || release === undefined) return undefined;
  return { nvr: `${name}-${version}-${release}`, testing: (textOf(fields?.repo) ?? '').includes('testing') };
}
