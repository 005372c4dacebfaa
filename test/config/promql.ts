import { parser } from '@prometheus-io/lezer-promql';

export interface Matcher {
  readonly label: string;
  /** `=`, `!=`, `=~`, `!~` */
  readonly how: string;
  readonly value: string;
}

/** One mention of a metric. */
export interface Mention {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  /** The function whose range it is: `rate(a[5m])`. */
  readonly rangeOf: string | undefined;
  /** Only whether it is there counts: `... and on (job) a`. */
  readonly isMark: boolean;
}

export interface Expression {
  /** What Prometheus' grammar does not take, with what stands there. */
  readonly errors: readonly string[];
  readonly mentions: readonly Mention[];
  /** Labels of `by`, `without`, `on`, `ignoring` and their like. */
  readonly grouping: readonly string[];
  /** Labels that the result has where it comes out of a `sum by (...)`; undefined where it does not. */
  readonly kept: readonly string[] | undefined;
}

/** An expression by Prometheus' own grammar. */
export function parseExpression(expr: string): Expression {
  const tree = parser.parse(expr);
  const textOf = ({ from, to }: { readonly from: number; readonly to: number }) => expr.slice(from, to);
  const errors: string[] = [];
  const mentions: Mention[] = [];
  const grouping: string[] = [];
  tree.iterate({
    enter: ({ node, type, from }) => {
      if (type.isError) errors.push(`not PromQL at ${from}: ${JSON.stringify(expr.slice(from, from + 20))}`);
      if (type.name === 'GroupingLabels') grouping.push(...node.getChildren('LabelName').map(textOf));
      if (type.name !== 'VectorSelector') return;
      const name = node.getChild('Identifier');
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      const range = node.parent?.name === 'MatrixSelector' ? node.parent.parent?.parent : undefined;
      const called = range?.getChild('FunctionIdentifier');
      const around = node.parent;
      mentions.push({
        metric: name === null ? '' : textOf(name),
        matchers: matchers.map((matcher) => {
          const [label, how, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((kind) => {
            const part = matcher.getChild(kind);
            return part === null ? '' : textOf(part);
          });
          return { label: label ?? '', how: how ?? '', value: (value ?? '').slice(1, -1) };
        }),
        rangeOf: called ? textOf(called) : undefined,
        isMark: around?.getChild('And') != null && around.lastChild?.from === from,
      });
    },
  });
  // The left side of `>`, `and` and `unless` is what the result has.
  let first = tree.topNode.firstChild;
  while (first?.name === 'BinaryExpr' || first?.name === 'ParenExpr') first = first.firstChild;
  const modifier = first?.getChild('AggregateModifier');
  const kept = modifier?.getChild('By')
    ? modifier.getChild('GroupingLabels')?.getChildren('LabelName')
    : undefined;
  return { errors, mentions, grouping, kept: kept?.map(textOf) };
}
