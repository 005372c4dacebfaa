import { fieldsOf, listOf, nameOf, ordered, siftEntries, sortedSet } from './fields.ts';
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
const GRAPH_NODES_MAX = 150;

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

interface Node {
  readonly since: string | undefined;
  readonly needs: readonly string[];
}

type Graph = ReadonlyMap<string, Node>;

/** Made once for a value, and looked at for each of thousands of packages. */
const graphs = new WeakMap<object, Graph>();

function graphOf(orphans: unknown): Graph {
  const fields = fieldsOf(orphans);
  if (fields === undefined) return new Map();
  const known = graphs.get(fields);
  if (known !== undefined) return known;
  const nodes = Object.entries(fields).map(([name, value]) => {
    const node = fieldsOf(value);
    const needs = (listOf(node?.needs) ?? []).flatMap((one) => nameOf(one) ?? []);
    return [name, { since: typeof node?.since === 'string' ? node.since : undefined, needs }] as const;
  });
  const graph: Graph = new Map(nodes);
  graphs.set(fields, graph);
  return graph;
}

/** What is said of one package; `orphans` is a cached value. */
export function orphanBlock(orphans: unknown, name: string): OrphanBlock {
  const graph = graphOf(orphans);
  const self = graph.get(name);
  if (self === undefined) return NOT_ORPHANED;
  const reached = reach(graph, name);
  const since = (one: string) => graph.get(one)?.since;
  const others = reached.filter((one) => one !== name && since(one) !== undefined);
  const direct = others.filter((one) => self.needs.includes(one)).sort();
  const remote = others.filter((one) => !self.needs.includes(one)).sort();
  const times = [name, ...others].flatMap((one) => since(one) ?? []).sort();
  return {
    orphaned: self.since !== undefined,
    depends_on_orphaned: others.length > 0,
    problematic_since: times[0] ?? null,
    direct_dependencies: direct,
    remote_dependencies: remote,
    ...drawn(graph, reached.slice(0, GRAPH_NODES_MAX)),
  };
}

/** The package and all that it needs, the nearest first. */
function reach(graph: Graph, name: string): readonly string[] {
  const reached = new Set([name]);
  for (const one of reached) for (const next of graph.get(one)?.needs ?? []) reached.add(next);
  return [...reached];
}

function drawn(graph: Graph, names: readonly string[]): Pick<OrphanBlock, 'dot_graph' | 'vis_js'> {
  const ids = new Map(names.map((name, id) => [name, id]));
  const edges = names.flatMap((name, from) =>
    (graph.get(name)?.needs ?? []).flatMap((other) => {
      const to = ids.get(other);
      return to === undefined || to === from ? [] : [{ from, to }];
    }),
  );
  // Names are letters, digits and ._+-: nothing that would have to be escaped between quotes.
  const nodeLines = names.map(
    (name) => `  "${name}"${graph.get(name)?.since === undefined ? '' : ' [style=filled]'};`,
  );
  const edgeLines = edges.map(({ from, to }) => `  "${names[from]}" -> "${names[to]}";`);
  return {
    dot_graph: ['digraph orphans {', ...nodeLines, ...edgeLines, '}'].join('\n'),
    vis_js: { nodes: names.map((label, id) => ({ id, label })), edges },
  };
}
