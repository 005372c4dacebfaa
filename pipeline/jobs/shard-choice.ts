import type { IndexEntry } from '../emit/shard-file.ts';
import { SamovarError } from '../errors.ts';
import type { Batch } from '../store/ledger.ts';
import type { Store } from '../store/open.ts';
import type { KnownRow } from '../store/shards.ts';

const PATHS_AT_ONCE = 500;

/** What becomes of the rows of a file. */
export interface ChosenRows {
  /** In the order of the file. */
  readonly take: readonly IndexEntry[];
  /** Their builds, where known. */
  readonly known: ReadonlyMap<string, KnownRow>;
  /** Newer than rows of the open load: for the one after it. */
  readonly later: readonly IndexEntry[];
  /** Looked at later than was known, and otherwise as they are. */
  readonly seen: readonly { readonly id: number; readonly checkedAt: number }[];
  /** Not taken: the table has them, or a newer version, or this database's own row goes its own way. */
  readonly present: number;
  readonly older: number;
  readonly own: number;
}

type Verdict = 'take' | 'later' | 'present' | 'older' | 'own';

/** Compares rows with what the ledger says of a destination. Changes nothing. */
export function chooseRows(
  store: Store,
  destination: number,
  batch: Batch | undefined,
  entries: readonly IndexEntry[],
): ChosenRows {
  const known = new Map<string, KnownRow>();
  for (let at = 0; at < entries.length; at += PATHS_AT_ONCE) {
    const paths = entries.slice(at, at + PATHS_AT_ONCE).map(({ path }) => path);
    for (const row of store.shards.known(destination, paths)) known.set(row.path, row);
  }
  const by: Record<Verdict, IndexEntry[]> = { take: [], later: [], present: [], older: [], own: [] };
  for (const entry of entries) by[verdict(entry, known.get(entry.path), batch)].push(entry);
  const seen = by.present.flatMap(({ path, checkedAt }) => {
    const row = known.get(path);
    return row !== undefined && row.checkedAt < checkedAt ? [{ id: row.id, checkedAt }] : [];
  });
  const { take, later, present, older, own } = by;
  return { take, known, later, seen, present: present.length, older: older.length, own: own.length };
}

function verdict(entry: IndexEntry, known: KnownRow | undefined, batch: Batch | undefined): Verdict {
  if (known === undefined) return 'take';
  const { ownVersion, loadedVersion, loadedBatch } = known;
  if (loadedVersion === entry.version) return 'present';
  // What this database reads itself is its own to load, or it would be loaded to and fro.
  if (ownVersion !== null) return ownVersion === entry.version ? 'take' : 'own';
  if (loadedVersion === null) return 'take';
  if (entry.checkedAt <= known.checkedAt) return 'older';
  return loadedBatch === batch?.id ? 'later' : 'take';
}

/** Puts taken rows into a batch; builds that were not known become bare ones, in the same transaction. */
export function recordRows(store: Store, batch: Batch, chosen: ChosenRows, roots: readonly string[]): void {
  const { take, known, seen } = chosen;
  store.transaction(() => {
    const items = take.map((entry) => {
      const { path, version, finishedAt, checkedAt } = entry;
      const id = known.get(path)?.id;
      if (id !== undefined) store.shards.seen(id, checkedAt);
      const root = () => store.cursors.rootId(rootOf(roots, path));
      return { item: id ?? store.shards.addBare({ path, finishedAt, checkedAt, root: root() }), version };
    });
    for (const { id, checkedAt } of seen) store.shards.seen(id, checkedAt);
    store.ledger.add(batch, items);
  });
}

function rootOf(roots: readonly string[], path: string): string {
  const [longest] = roots.filter((root) => path.startsWith(root)).sort((a, b) => b.length - a.length);
  if (longest !== undefined) return longest;
  throw new SamovarError('malformed', `${path} lies under none of the roots that its manifest names`, {
    subject: path,
  });
}
