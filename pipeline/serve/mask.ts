import type { IssueMessage, IssueView } from './messages.ts';

/** Which fields of an issue are given. */
export interface Mask {
  has(field: keyof IssueMessage): boolean;
}

/** Given only when they are asked for: there may be many. */
const ASKED_FOR: readonly (keyof IssueMessage)[] = ['comments', 'reviews'];
const PATHS_MAX = 100;

/**
 * Top-level names, in snake_case or camelCase; unknown ones are passed over, as the original did. No name at all: everything but
 * comments and reviews, which also come when they are asked for by their own fields.
 */
export function maskOf({ fieldMask, comments = false, reviews = false }: IssueView): Mask {
  const named = new Set(
    (fieldMask?.paths ?? [])
      .slice(0, PATHS_MAX)
      .map((path) => camelCase(path.trim()))
      .filter((path) => path !== ''),
  );
  const asked: Readonly<Record<string, boolean>> = { comments, reviews };
  return {
    has: (field) => {
      if (asked[field] === true || named.has(field)) return true;
      return named.size === 0 && !ASKED_FOR.includes(field);
    },
  };
}

export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
