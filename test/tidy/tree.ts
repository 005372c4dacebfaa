import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';

/** One text file of the project. Rules take lists of them, so that small bad trees can be made up in memory. */
export interface SourceFile {
  /** From the project's root: `pipeline/cli.ts`. */
  readonly path: string;
  readonly text: string;
}

export type Tree = readonly SourceFile[];

const BINARY = /\.(gz|png|jpg|db|ico|pdf|zip|bin)$/;

/** Every file that git knows or would add; of those that are no text only the name. */
export function readTree(): Tree {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    maxBuffer: 1 << 26,
  });
  const paths = [...new Set(listed.toString().split('\0'))];
  return paths
    .filter((path) => path !== '' && existsSync(path))
    .sort()
    .map((path) => ({ path, text: BINARY.test(path) ? '' : readFileSync(path, 'utf8') }));
}

export function under(tree: Tree, ...folders: readonly string[]): Tree {
  return tree.filter(({ path }) => folders.some((folder) => path.startsWith(`${folder}/`)));
}

export function typescript(tree: Tree): Tree {
  return tree.filter(({ path }) => path.endsWith('.ts'));
}

export function pipeline(tree: Tree): Tree {
  return typescript(under(tree, 'pipeline'));
}

const parsed = new WeakMap<SourceFile, ts.SourceFile>();

export function parse(file: SourceFile): ts.SourceFile {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2023, true);
  parsed.set(file, source);
  return source;
}

/** Calls `visit` for every node; what it gives, if anything, is a problem at that node's line. */
export function problemsIn(
  file: SourceFile,
  visit: (node: ts.Node) => string | undefined,
): readonly string[] {
  const source = parse(file);
  const problems: string[] = [];
  const walk = (node: ts.Node): void => {
    const problem = visit(node);
    if (problem !== undefined) problems.push(`${file.path}:${lineOf(source, node.getStart())}: ${problem}`);
    ts.forEachChild(node, walk);
  };
  walk(source);
  return problems;
}

export function lineOf(source: ts.SourceFile, position: number): number {
  return source.getLineAndCharacterOfPosition(position).line + 1;
}

/** What a file imports, as written: static, dynamic, re-exported, or named by `new URL(…, import.meta.url)` as workers are, or resolved. */
export function importsOf(file: SourceFile): readonly string[] {
  const found: string[] = [];
  const add = (node: ts.Node | undefined) => {
    if (node !== undefined && ts.isStringLiteralLike(node)) found.push(node.text);
  };
  const walk = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0]);
    if (ts.isNewExpression(node) && node.expression.getText() === 'URL') add(node.arguments?.[0]);
    if (ts.isCallExpression(node) && node.expression.getText() === 'require.resolve') add(node.arguments[0]);
    ts.forEachChild(node, walk);
  };
  walk(parse(file));
  return found;
}

/** Relative imports as paths from the project's root. */
export function localImports(file: SourceFile): readonly string[] {
  return importsOf(file)
    .filter((name) => /^\.\.?\//.test(name))
    .map((name) => new URL(name, `file:///${file.path}`).pathname.slice(1));
}

/** Names of packages and of Node's modules. */
export function packageImports(file: SourceFile): readonly string[] {
  return importsOf(file)
    .filter((name) => !/^[./]|^\w+:(?!\w)/.test(name))
    .map((name) =>
      name.startsWith('node:')
        ? name
        : name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
    );
}
