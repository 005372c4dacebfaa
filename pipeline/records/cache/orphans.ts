import { fieldsOf, listOf, nameOf, ordered, own, siftEntries, sortedSet } from './fields.ts';
import { msOf, timeText } from './times.ts';

/** Orphaned packages, and those that need them, with what each needs at once. */
export type Orphans = Readonly<
  Record<
    string,
    {
      /** When it was orphaned; null: it is not. */
      readonly since: string | null;
      readonly needs: readonly string[];
    }
  >
>;

export type OrphanBlock = {
  readonly orphaned: boolean;
  readonly depends_on_orphaned: boolean;
  /** Of the package and the orphans that it needs, the one that has been so longest. */
  readonly problematic_since?: string | null;
  readonly direct_dependencies?: readonly string[];
  readonly remote_dependencies?: readonly string[];
  /** In the language of Graphviz. */
  readonly dot_graph?: string;
  readonly vis_js?: {
    readonly nodes: readonly { readonly id: number; readonly label: string }[];
    readonly edges: readonly { readonly from: number; readonly to: number }[];
  };
};

export const NOT_ORPHANED: OrphanBlock = { orphaned: false, depends_on_orphaned: false };

/** A picture of more is no picture, and one package's must not fill the cache: the nearest are drawn. */
const GRAPH_NODES_MAX = 300;

/** Of releng's orphans.json. */
export function orphansValue(document: unknown): { readonly value: Orphans; readonly leftOut: number } {
  const fields = fieldsOf(document);
  const orphaned = siftEntries(fields?.status_change, 'the orphaned packages', (name, time) => {
    const ms = msOf(time);
    return nameOf(name) === undefined || ms === undefined ? undefined : ([name, timeText(ms)] as const);
  });
  const affected = siftEntries(
    fields?.affected_packages,
    'the packages that need orphans',
    (name, reasons) => {
      const list = listOf(reasons);
      if (nameOf(name) === undefined || list === undefined) return undefined;
      return [name, sortedSet(list.flatMap((one) => nameOf(one) ?? []))] as const;
    },
  );
  const since = new Map(orphaned.items);
  const needs = new Map(affected.items);
  const names = new Set([...since.keys(), ...needs.keys()]);
  const entries = [...names].map(
    (name) => [name, { since: since.get(name) ?? null, needs: needs.get(name) ?? [] }] as const,
  );
  return { value: ordered(entries), leftOut: orphaned.leftOut + affected.leftOut };
}

type Known = ReturnType<typeof fieldsOf>;

/** What is said of one package; `orphans` is a cached value. */
export function orphanBlock(orphans: unknown, name: string): OrphanBlock {
  const known = fieldsOf(orphans);
  const self = fieldsOf(own(known, name));
  if (known === undefined || self === undefined) return NOT_ORPHANED;
  const reached = reach(known, name);
  const isOrphan = (one: string) => sinceOf(known, one) !== undefined;
  const direct = needsOf(known, name).filter((one) => one !== name && isOrphan(one));
  const remote = reached.filter((one) => one !== name && !direct.includes(one) && isOrphan(one));
  const times = [name, ...direct, ...remote].flatMap((one) => sinceOf(known, one) ?? []).sort();
  return {
    orphaned: isOrphan(name),
    depends_on_orphaned: direct.length + remote.length > 0,
    problematic_since: times[0] ?? null,
    direct_dependencies: direct,
    remote_dependencies: remote.sort(),
    ...drawn(known, reached.slice(0, GRAPH_NODES_MAX)),
  };
}

/** The package and all that it needs, the nearest first. */
function reach(known: Known, name: string): readonly string[] {
  const reached = new Set([name]);
  for (const one of reached) for (const next of needsOf(known, one)) reached.add(next);
  return [...reached];
}

function drawn(known: Known, names: readonly string[]): Pick<OrphanBlock, 'dot_graph' | 'vis_js'> {
  const ids = new Map(names.map((name, id) => [name, id]));
  const edges = names.flatMap((name, from) =>
    needsOf(known, name).flatMap((other) => {
      const to = ids.get(other);
      return to === undefined || to === from ? [] : [{ from, to }];
    }),
  );
  // Names are letters, digits and ._+-: nothing that would have to be escaped between quotes.
  const nodeLines = names.map(
    (name) => `  "${name}"${sinceOf(known, name) === undefined ? '' : ' [style=filled]'};`,
  );
  const edgeLines = edges.map(({ from, to }) => `  "${names[from]}" -> "${names[to]}";`);
  return {
    dot_graph: ['digraph orphans {', ...nodeLines, ...edgeLines, '}'].join('\n'),
    vis_js: { nodes: names.map((label, id) => ({ id, label })), edges },
  };
}

function needsOf(known: Known, name: string): readonly string[] {
  return (listOf(fieldsOf(own(known, name))?.needs) ?? []).flatMap((one) => nameOf(one) ?? []);
}

function sinceOf(known: Known, name: string): string | undefined {
  const since = fieldsOf(own(known, name))?.since;
  return typeof since === 'string' ? since : undefined;
}
