import {
  fieldsOf,
  listOf,
  nameOf,
  ordered,
  own,
  personOf,
  siftEntries,
  sortedSet,
  textOf,
} from './fields.ts';

/** Who may do what with a package. `admins` are a part of `users` and `groups`. */
export type Owners = {
  readonly users: readonly string[];
  readonly groups: readonly string[];
  /** The point of contact; null: unknown. */
  readonly main: string | null;
};

export interface OwnersByPackage {
  readonly value: Readonly<Record<string, Owners>>;
  readonly leftOut: number;
}

/**
 * Of dist-git's `pagure_owner_alias.json` (everybody who may commit) and `pagure_poc.json` (the one who is asked first, an
 * admin). Groups are written `@name`. Without the second document nobody is known to be an admin by himself.
 */
export function ownersValue(alias: unknown, contacts: unknown): OwnersByPackage {
  const contactOf = fieldsOf(fieldsOf(contacts)?.rpms);
  const packages = fieldsOf(alias)?.rpms;
  const { items, leftOut } = siftEntries(packages, 'the owners of packages', (name, people) => {
    const list = listOf(people);
    if (nameOf(name) === undefined || list === undefined) return undefined;
    const words = list.map(textOf).filter((word) => word !== undefined);
    const groups = words.flatMap((word) => (word.startsWith('@') ? (nameOf(word.slice(1)) ?? []) : []));
    const main = personOf(fieldsOf(own(contactOf, name))?.admin) ?? null;
    const users = words.flatMap((word) => personOf(word) ?? []);
    const owners: Owners = {
      users: sortedSet(main === null ? users : [...users, main]),
      groups: sortedSet(groups),
      main,
    };
    return [name, owners] as const;
  });
  return { value: ordered(items), leftOut };
}
