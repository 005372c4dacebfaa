const PARTS = /\*\*\/|\*\*|\*|\?|\[[^\]]+\]|[{},]|[^*?[\]{},]+|./gs;
const compiled = new Map<string, RegExp>();

/** Whether a name matches a glob of objects.list: `**` crosses slashes, `*` and `?` do not, `{a,b*}` are choices. */
export function matchesGlob(name: string, glob: string): boolean {
  const known = compiled.get(glob) ?? compile(glob);
  compiled.set(glob, known);
  return known.test(name);
}

function compile(glob: string): RegExp {
  let depth = 0;
  const source = [...glob.matchAll(PARTS)].map(([part]) => {
    if (part === '{') depth += 1;
    if (part === '}') depth -= 1;
    return translate(part, depth > 0);
  });
  return new RegExp(`^${source.join('')}$`, 's');
}

function translate(part: string, inBraces: boolean): string {
  if (part === '**/') return '(?:.*/)?';
  if (part === '**') return '.*';
  if (part === '*') return '[^/]*';
  if (part === '?') return '[^/]';
  if (part === '{') return '(?:';
  if (part === '}') return ')';
  if (part === ',' && inBraces) return '|';
  if (part.startsWith('[')) return part.replace(/^\[!/, '[^');
  return part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
