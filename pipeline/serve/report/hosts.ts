import { isIP } from 'node:net';

/**
 * Whether a request may name this server so. A page of another site can have its own name lead here (DNS rebinding) and would read
 * the answers as its own: so names count only when they are known. Addresses in digits cannot be made to lead elsewhere.
 */
export function createHostCheck(hosts: readonly string[]): (header: string | undefined) => boolean {
  const known = new Set(['localhost', ...hosts.map((host) => nameOf(host))]);
  return (header) => {
    if (header === undefined) return false;
    const name = nameOf(header);
    return known.has(name) || isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  };
}

/** Without its port, and the dot that ends a whole name. */
function nameOf(host: string): string {
  return host.trim().toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}
