import { packageImports, pipeline, type SourceFile, type Tree } from './tree.ts';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Packages that nothing imports. */
export function unusedDependencies(tree: Tree): readonly string[] {
  const imported = new Set(pipeline(tree).flatMap(packageImports));
  return Object.keys(manifestOf(tree).dependencies ?? {})
    .filter((name) => !imported.has(name))
    .map((name) => `${name}: nothing in pipeline/ imports it`);
}

/** Packages that the code imports and package.json does not name. */
export function undeclaredDependencies(tree: Tree): readonly string[] {
  const known = Object.keys(manifestOf(tree).dependencies ?? {});
  return pipeline(tree).flatMap((file) =>
    packageImports(file)
      .filter((name) => !name.startsWith('node:') && !known.includes(name))
      .map((name) => `${file.path}: ${name} is no dependency of package.json`),
  );
}

export function undescribedDependencies(tree: Tree): readonly string[] {
  const text = textOf(tree, 'docs/dependencies.md');
  const { dependencies = {}, devDependencies = {} } = manifestOf(tree);
  const names = Object.keys({ ...dependencies, ...devDependencies });
  const missing = names.filter((name) => !text.includes(`\`${name}\``));
  const described = [...text.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '');
  const gone = described.filter((name) => !names.includes(name));
  return [
    ...missing.map((name) => `docs/dependencies.md does not say what ${name} is for`),
    ...gone.map((name) => `docs/dependencies.md describes ${name}, which package.json does not have`),
  ];
}

function manifestOf(tree: Tree): Manifest {
  return JSON.parse(textOf(tree, 'package.json') || '{}') as Manifest;
}

function textOf(tree: Tree, path: string): string {
  return tree.find((file) => file.path === path)?.text ?? '';
}

/** Texts that only make sense on one machine. Put together here so that this file does not hold them itself. */
const PRIVATE: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`\\.\\./${'shared'}`), 'a folder outside the project'],
  [new RegExp(`(^|[\\s"'\`(=:])/${'work'}/`), 'a path of one machine'],
  [/(^|[\s"'`(=:])\/(home|Users)\/[a-z]/, 'a path of a home folder'],
  [new RegExp(`(^|[\\s"'\`(=:])/${'root'}/`), 'a path of a home folder'],
  [
    new RegExp(`(${['registry.npmjs', 'proxy.golang', 'index.crates', 'files.pythonhosted'].join('|')})\\.`),
    'a registry',
  ],
];

/** npm writes its registry into the lock by itself. */
export function privateTexts(tree: Tree): readonly string[] {
  return tree
    .filter(({ path }) => path !== 'package-lock.json')
    .flatMap((file) =>
      file.text.split('\n').flatMap((line, at) => {
        const [, what] = PRIVATE.find(([pattern]) => pattern.test(line)) ?? [];
        return what === undefined ? [] : [`${file.path}:${at + 1}: names ${what}`];
      }),
    );
}

/** Links of *.md that lead nowhere: to a file that is not there, or to a heading that its file does not have. */
export function deadLinks(tree: Tree): readonly string[] {
  const paths = new Set(tree.map(({ path }) => path));
  const folders = new Set([...paths].flatMap(foldersOf));
  return tree
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap((file) =>
      linksOf(file).flatMap(({ target, line }) => {
        const [name = '', anchor] = target.split('#');
        const url = new URL(name === '' ? (file.path.split('/').at(-1) ?? '') : name, `file:///${file.path}`);
        const path = decodeURIComponent(url.pathname.slice(1)).replace(/\/$/, '');
        const place = `${file.path}:${line}`;
        if (!paths.has(path) && !folders.has(path)) return [`${place}: ${target} is not there`];
        if (anchor === undefined || !path.endsWith('.md')) return [];
        return headingsOf(textOf(tree, path)).includes(anchor)
          ? []
          : [`${place}: ${path} has no heading #${anchor}`];
      }),
    );
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

function linksOf({ text }: SourceFile): readonly { readonly target: string; readonly line: number }[] {
  return withoutCode(text)
    .split('\n')
    .flatMap((line, at) =>
      [...line.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({ target: match[1] ?? '', line: at + 1 })),
    )
    .filter(({ target }) => !/^[a-z]+:/.test(target));
}

/** GitHub's anchors: lower case, no punctuation, dashes for spaces. */
function headingsOf(text: string): readonly string[] {
  return [...withoutCode(text, false).matchAll(/^#{1,6} (.*)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Fenced blocks (and inline code) blanked out, lines kept. */
function withoutCode(text: string, inline = true): string {
  const fenced = text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ' '));
  return inline ? fenced.replace(/`[^`\n]*`/g, '') : fenced;
}
