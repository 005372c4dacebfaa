import type { Context } from 'hono';
import { RouteError } from './status.ts';

/** Parts of a query, named in camelCase or in snake_case, as fields of a message. Each throws INVALID_ARGUMENT. */
export function listQuery(context: Context): object {
  const size = given(context, 'page_size');
  if (size !== undefined && !/^-?\d{1,9}$/.test(size)) throw wrong('page_size', 'a number');
  return defined({
    pageSize: size === undefined ? undefined : Number(size),
    pageToken: given(context, 'page_token'),
    filter: given(context, 'filter'),
    orderBy: given(context, 'order_by'),
  });
}

export function issueQuery(context: Context): object {
  const paths = ['field_mask', 'fieldMask', 'field_mask.paths', 'fieldMask.paths']
    .flatMap((name) => context.req.queries(name) ?? [])
    .flatMap((value) => value.split(','))
    // Masks are in camelCase in JSON, and in snake_case on the wire.
    .map((path) => path.trim().replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
    .filter((path) => path !== '');
  return defined({
    comments: flag(context, 'comments'),
    reviews: flag(context, 'reviews'),
    fieldMask: paths.length === 0 ? undefined : { paths },
    commentFilter: given(context, 'comment_filter'),
  });
}

export function pullClosedQuery(context: Context): object {
  return defined({ pullRequest: flag(context, 'pull_request'), closed: flag(context, 'closed') });
}

function given(context: Context, name: string): string | undefined {
  const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return context.req.query(camel) ?? context.req.query(name);
}

function flag(context: Context, name: string): boolean | undefined {
  const value = given(context, name);
  if (value === undefined) return undefined;
  if (value === 'true' || value === 'false') return value === 'true';
  throw wrong(name, 'true or false');
}

function wrong(name: string, wanted: string): RouteError {
  return new RouteError('INVALID_ARGUMENT', `${name}: give ${wanted}`);
}

function defined(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
