/** Parameters whose values are secrets, by what they are called. */
const SECRET = /key|token|secret|pass|auth|sig/i;

/** A URL as messages may show it: without user, password and what may be secret in its query. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return 'a URL that cannot be read';
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.hash = '';
  for (const name of new Set(shown.searchParams.keys()))
    if (SECRET.test(name)) shown.searchParams.set(name, '...');
  return shown.href;
}
