/** GCS's matchGlob as a regular expression: `**`, `*`, `?`, `[]`, `{}`; a star does not cross a slash, two do. */
export function globPattern(glob: string): RegExp {
  let source = '';
  for (let i = 0; i < glob.length; i += 1) {
    const rest = glob.slice(i);
    const list = /^\{([^}]*)\}/.exec(rest);
    const set = /^\[[^\]]+\]/.exec(rest);
    if (rest.startsWith('**/')) {
      source += '(?:.*/)?';
      i += 2;
    } else if (rest.startsWith('**')) {
      source += '.*';
      i += 1;
    } else if (rest.startsWith('*')) source += '[^/]*';
    else if (rest.startsWith('?')) source += '[^/]';
    else if (set !== null) {
      source += set[0].replace(/^\[!/, '[^');
      i += set[0].length - 1;
    } else if (list !== null) {
      source += `(?:${(list[1] ?? '').split(',').map(escapeLiteral).join('|')})`;
      i += list[0].length - 1;
    } else source += escapeLiteral(glob[i] ?? '');
  }
  return new RegExp(`^${source}$`, 's');
}

function escapeLiteral(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
