import type { Context } from 'hono';

/** Pages set their own policy; what is no page needs none of what a browser can do. `more`: headers of one server alone. */
export function harden(context: Context, more: Readonly<Record<string, string>> = {}): void {
  const headers = {
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    ...more,
  };
  for (const [name, value] of Object.entries(headers))
    if (!context.res.headers.has(name)) context.header(name, value);
}
