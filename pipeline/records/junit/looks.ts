const CONTROL = /[\0-\x08\x0e-\x1f]/;
const CHARS_MAX = 60;

/** What a file without any XML looks like, for its reason. `start` is its first characters. */
export function looksLike(start: string): string {
  const trimmed = start.trimStart();
  if (/^\{\s*["}]/.test(trimmed) || /^\[\s*[[{"\]\d]/.test(trimmed))
    return `it looks like JSON: ${shown(trimmed)}`;
  if (/^<(!doctype\s+html|html|head|body)\b/i.test(trimmed)) return `it looks like HTML: ${shown(trimmed)}`;
  if (trimmed.startsWith('%PDF') || trimmed.startsWith('PK\x03\x04') || CONTROL.test(trimmed))
    return `it looks like binary data: ${shown(trimmed)}`;
  return `it looks like plain text: ${shown(trimmed)}`;
}

/** What a document with another root is, for its reason. `name` is the root's. */
export function foreignRoot(name: string): string {
  if (/^(html|head|body)$/i.test(name)) return `it looks like HTML: the root element is <${name}>`;
  if (name === 'Error')
    return 'it looks like the error answer of an object store: the root element is <Error>';
  return `the root element is <${name}>, not testsuites, testsuite or testcase`;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, CHARS_MAX).toWellFormed());
}
