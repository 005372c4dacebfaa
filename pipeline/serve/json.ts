import {
  type CommentMessage,
  ISSUE_TYPES,
  type IssueMessage,
  PRIORITIES,
  type ReviewMessage,
  type TimestampMessage,
} from './messages.ts';

/**
 * The JSON form of messages, as proto3 has it: camelCase, enums by name, 64-bit ids as texts, times in RFC 3339; what has its zero
 * value is left out.
 */
export function issueJson(issue: IssueMessage): object {
  const {
    priority,
    issueType,
    createdAt,
    updatedAt,
    closedAt,
    comments,
    reviews,
    labels,
    assignees,
    ...rest
  } = issue;
  return {
    ...rest,
    ...(priority !== undefined && { priority: PRIORITIES[priority] }),
    ...(issueType !== undefined && { issueType: ISSUE_TYPES[issueType] }),
    ...list('labels', labels),
    ...list('assignees', assignees),
    ...time('createdAt', createdAt),
    ...time('updatedAt', updatedAt),
    ...time('closedAt', closedAt),
    ...list('comments', comments?.map(datedJson)),
    ...list('reviews', reviews?.map(datedJson)),
  };
}

function datedJson({ createdAt, ...rest }: CommentMessage | ReviewMessage): object {
  const { updatedAt, ...others } = rest as CommentMessage;
  return { ...others, ...time('createdAt', createdAt), ...time('updatedAt', updatedAt) };
}

function list(name: string, items: readonly unknown[] | undefined): object {
  return items === undefined || items.length === 0 ? {} : { [name]: items };
}

/** Outside of the years 1 to 9999 there is no text for it. */
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;

function time(name: string, value: TimestampMessage | undefined): object {
  if (value === undefined || value.seconds < SECONDS_MIN || value.seconds > SECONDS_MAX) return {};
  return { [name]: timeJson(value) };
}

/** With as many digits after the second as it needs: none, 3, 6 or 9. */
export function timeJson({ seconds, nanos = 0 }: TimestampMessage): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, -5);
  if (nanos === 0) return `${whole}Z`;
  const digits = String(nanos)
    .padStart(9, '0')
    .replace(/(000){1,2}$/, '');
  return `${whole}.${digits}Z`;
}
