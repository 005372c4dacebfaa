/** What is wrong with an upstream's URL, in words that do not repeat it: it may hold a password. Undefined: nothing. */
export function urlProblem(url: string): string | undefined {
  const example = url.replaceAll('{key}', 'key');
  if (!URL.canParse(example))
    return 'is no URL; allowed is http(s)://HOST, then a port and a path if need be';
  const { protocol, username, password } = new URL(example);
  if (protocol !== 'http:' && protocol !== 'https:') return 'is no http or https URL; no other is asked';
  if (username !== '' || password !== '')
    return 'has a user or a password in it; allowed is a URL without, and a secret header beside it';
  // Who chooses the key would choose the host.
  if (new URL(url.replaceAll('{key}', 'other')).host !== new URL(example).host)
    return 'has {key} in its host; allowed is {key} in the path and the query';
  return undefined;
}
