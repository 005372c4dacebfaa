import type { Context } from 'hono';
import { clientOf } from './rate.ts';

/** The address that counts for limits. */
export function clientAddress(context: Context, proxies: number): string {
  const env = context.env as
    | { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } } }
    | undefined;
  return clientOf(env?.incoming?.socket?.remoteAddress, context.req.header('x-forwarded-for'), proxies);
}
