import ts from 'typescript';
import {
  lineOf,
  parse,
  pipeline,
  problemsIn,
  type SourceFile,
  type Tree,
  typescript,
  under,
} from './tree.ts';

const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;
/** As many equal lines in a row are one thing written twice. */
const BLOCK_LINES = 12;

export function longFiles(tree: Tree): readonly string[] {
  return code(tree)
    .map((file) => [file.path, lines(file)] as const)
    .filter(([, count]) => count > FILE_LINES_MAX)
    .map(([path, count]) => `${path}: ${count} lines, allowed are ${FILE_LINES_MAX}`);
}

export function longFunctions(tree: Tree): readonly string[] {
  return code(tree).flatMap((file) =>
    problemsIn(file, (node) => {
      if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return undefined;
      const source = parse(file);
      const count = lineOf(source, node.getEnd()) - lineOf(source, node.getStart()) + 1;
      if (count <= FUNCTION_LINES_MAX) return undefined;
      return `a function of ${count} lines, allowed are ${FUNCTION_LINES_MAX}`;
    }),
  );
}

/** Lines of the file in the middle when all are sorted by length. */
export function medianLines(tree: Tree): number {
  const counts = pipeline(tree)
    .map(lines)
    .sort((a, b) => a - b);
  return counts[Math.floor(counts.length / 2)] ?? 0;
}

function lines({ text }: SourceFile): number {
  return text.split('\n').length - 1;
}

/** What people run; tests' own describe blocks are as long as they need. */
function code(tree: Tree): Tree {
  return typescript(under(tree, 'pipeline', 'scripts'));
}

export function environmentReads(tree: Tree): readonly string[] {
  const allowed = ['pipeline/cli.ts', 'pipeline/context.ts'];
  return pipeline(tree)
    .filter(({ path }) => !allowed.includes(path))
    .flatMap((file) =>
      problemsIn(file, (node) =>
        ts.isPropertyAccessExpression(node) && node.getText() === 'process.env'
          ? 'process.env is read only in cli.ts and context.ts'
          : undefined,
      ),
    );
}

export function globalClocks(tree: Tree): readonly string[] {
  return pipeline(tree)
    .filter(({ path }) => path !== 'pipeline/context.ts')
    .flatMap((file) => problemsIn(file, (node) => clockProblem(node)));
}

function clockProblem(node: ts.Node): string | undefined {
  const remedy = 'comes from the context, by options';
  if (ts.isPropertyAccessExpression(node) && ['Date.now', 'Math.random'].includes(node.getText())) {
    return `${node.getText()} ${remedy}`;
  }
  const isDate = ts.isNewExpression(node) && node.expression.getText() === 'Date';
  return isDate && (node.arguments ?? []).length === 0 ? `new Date() ${remedy}` : undefined;
}

export function defaultExports(tree: Tree): readonly string[] {
  return typescript(under(tree, 'pipeline', 'scripts', 'test')).flatMap((file) =>
    problemsIn(file, (node) =>
      ts.isExportAssignment(node) ||
      (ts.canHaveModifiers(node) &&
        ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)) ||
      (ts.isExportSpecifier(node) && node.name.text === 'default')
        ? 'a default export; exports are named'
        : undefined,
    ),
  );
}

interface Line {
  readonly text: string;
  readonly number: number;
}

export function duplicatedBlocks(tree: Tree): readonly string[] {
  const seen = new Map<string, string>();
  const found: string[] = [];
  for (const file of code(tree)) {
    const kept = meaningful(file);
    let skipTo = 0;
    for (let at = 0; at + BLOCK_LINES <= kept.length; at += 1) {
      const block = kept.slice(at, at + BLOCK_LINES);
      const key = block.map(({ text }) => text).join('\n');
      const place = `${file.path}:${block[0]?.number}`;
      const other = seen.get(key);
      if (other === undefined) seen.set(key, place);
      else if (at >= skipTo) {
        found.push(`${place}: ${BLOCK_LINES} lines or more as at ${other}`);
        skipTo = at + BLOCK_LINES;
      }
    }
  }
  return found;
}

/** Lines that say something: no blanks, comments, imports or lone brackets. */
function meaningful({ text }: SourceFile): readonly Line[] {
  return text
    .split('\n')
    .map((line, at) => ({ text: line.trim(), number: at + 1 }))
    .filter(
      (line) => /\w/.test(line.text) && !/^(\/\/|\/?\*|import\b|export .* from\b|\} from\b)/.test(line.text),
    );
}
