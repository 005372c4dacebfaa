const HOST = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** The host that was asked for, without its port, in lower case; undefined: that is none. */
export function hostOf(request: Request): string | undefined {
  const given = request.headers.get('host') ?? new URL(request.url).host;
  const host = given
    .trim()
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '');
  return HOST.test(host) && !host.includes('..') ? host : undefined;
}

/** A browser that looks for a page; programs that take anything are answered as programs. */
export function wantsPage(request: Request): boolean {
  const isLook = request.method === 'GET' || request.method === 'HEAD';
  const isUpgrade = request.headers.has('upgrade');
  return isLook && !isUpgrade && (request.headers.get('accept') ?? '').includes('text/html');
}

/** A page of somebody else sent it, in a visitor's name. */
export function isForeign(request: Request, host: string): boolean {
  if (request.headers.get('sec-fetch-site') === 'cross-site') return true;
  const origin = request.headers.get('origin');
  if (origin === null) return false;
  return !URL.canParse(origin) || new URL(origin).hostname !== host;
}

/** A path of this host, and nothing else. */
export function pathBack(url: URL): string {
  const back = url.searchParams.get('back') ?? '/';
  return /^\/(?![/\\])[\x21-\x7e]{0,2000}$/.test(back) && !back.includes('\\') ? back : '/';
}
