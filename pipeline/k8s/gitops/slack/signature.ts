import { createHmac, timingSafeEqual } from 'node:crypto';

/** Slack's own limit. */
export const WINDOW_SECONDS = 300;
const SEEN_MAX = 50_000;

export interface Signed {
  /** Of `x-slack-request-timestamp`: seconds since 1970, as text. */
  readonly timestamp: string;
  /** Of `x-slack-signature`. */
  readonly signature: string;
  /** As it came in: not a byte may have been read and written again. */
  readonly body: string;
}

export type Verdict = 'right' | 'wrong' | 'late' | 'replayed' | 'too many';

/** `v0=…`: HMAC-SHA256 over `v0:timestamp:body`. */
export function slackSignature(secret: string, timestamp: string, body: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;
}

/**
 * Judges requests of Slack: the signature (in constant time), the time (five minutes either way), and that it comes for the first time.
 * What has come is forgotten when it would be late anyway. More in a window than can be remembered are refused.
 */
export function slackJudge(secret: string, nowMs: () => number, seenMax = SEEN_MAX) {
  const seen = new Map<string, number>();
  return ({ timestamp, signature, body }: Signed): Verdict => {
    const now = Math.floor(nowMs() / 1_000);
    const isTime = /^[0-9]{1,12}$/.test(timestamp);
    const isRight = isTime && isSame(signature, slackSignature(secret, timestamp, body));
    if (!isRight) return 'wrong';
    if (Math.abs(now - Number(timestamp)) > WINDOW_SECONDS) return 'late';
    for (const [old, until] of seen) {
      if (until >= now) break;
      seen.delete(old);
    }
    if (seen.has(signature)) return 'replayed';
    if (seen.size >= seenMax) return 'too many';
    // A time ahead of ours stays good for longer; in order of arrival, the latest that any can be good for.
    seen.set(signature, now + 2 * WINDOW_SECONDS);
    return 'right';
  };
}

/** Takes as long for any two texts of a length; lengths are no secret. */
export function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
