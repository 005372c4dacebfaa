import type { OrderedPage } from '../store/corpus-types.ts';
import { Refusal } from './status.ts';

/** In which order issues are given: by a time, ties by number; or by number alone. */
export interface Order {
  readonly by: 'number' | OrderedPage['by'];
  readonly descending: boolean;
}

const FIELDS: Readonly<Record<string, Order['by']>> = {
  issue_id: 'number',
  issueId: 'number',
  number: 'number',
  created_at: 'created',
  createdAt: 'created',
  updated_at: 'updated',
  updatedAt: 'updated',
  closed_at: 'closedAt',
  closedAt: 'closedAt',
};
const NAMES = 'issue_id, created_at, updated_at, closed_at';

/** Reads `updated_at desc`. Empty: by number. Refuses what no index is there for. */
export function orderOf(text: string): Order {
  const words = text.trim().split(/\s+/);
  const [name = '', direction = 'asc', ...rest] = words;
  if (name === '') return { by: 'number', descending: false };
  const by = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
  const descending = direction.toLowerCase() === 'desc';
  if (by === undefined || rest.length > 0 || !(descending || direction.toLowerCase() === 'asc'))
    throw new Refusal(
      'INVALID_ARGUMENT',
      `order_by ${JSON.stringify(text.slice(0, 100))}: give one of ${NAMES}, and desc after it for the other direction`,
    );
  return { by, descending };
}
