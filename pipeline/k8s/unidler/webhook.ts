import pLimit from 'p-limit';
import { codeOfStatus, describeError, SamovarError } from '../../errors.ts';
import { type Hands, persist } from '../idling/change.ts';
import { inWords } from '../idling/workload.ts';
import type { News } from './contract.ts';

export interface WebhookOptions {
  /** What is secret in it is never logged. */
  readonly url: string;
  /** Of one try. */
  readonly timeoutMs: number;
  readonly log: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

const AT_ONCE = 4;
const WAITING_MAX = 200;
const JSON_TYPE = { 'content-type': 'application/json' };

/**
 * Posts news as JSON: `{event, host, namespace, workloads, text, seconds, at}`. What is not taken is tried again a few times, and then
 * dropped; wakes do not wait for it. Throws `config` for what is no URL.
 */
export function createWebhook(options: WebhookOptions, hands: Hands): (news: News) => void {
  const { url, headers } = placeOf(options.url);
  // Its tries are no calls of the cluster.
  const { onRetry: _, ...own } = hands;
  const limit = pLimit(AT_ONCE);
  const log = (news: News, reason: string) =>
    options.log('a webhook was not told', { to: url.origin, event: news.what, host: news.host, reason });
  return (news) => {
    if (limit.pendingCount >= WAITING_MAX) return log(news, 'too many wait already');
    const body = JSON.stringify(bodyOf(news, hands.nowMs()));
    const post = () => persist(() => send(url, { body, headers }, options.timeoutMs, hands.signal), own);
    limit(post).catch((error: unknown) => {
      if (!hands.signal.aborted) log(news, describeError(error));
    });
  };
}

/** A name and a password in a URL are a header's: fetch takes none there. */
function placeOf(text: string) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) {
    const user = [url.username, url.password].map(decodeURIComponent).join(':');
    const authorization = `Basic ${Buffer.from(user).toString('base64')}`;
    Object.assign(url, { username: '', password: '' });
    return { url, headers: { ...JSON_TYPE, ...(user !== ':' && { authorization }) } };
  }
  throw new SamovarError('config', 'what --webhook gives is no URL', {
    remedy: 'Write one that begins with https:// or http://.',
  });
}

function bodyOf({ what, host, app, text, ms }: News, nowMs: number) {
  return {
    event: what,
    host,
    namespace: app?.namespace ?? null,
    workloads: (app?.workloads ?? []).map(inWords),
    text,
    seconds: ms / 1000,
    at: new Date(nowMs).toISOString(),
  };
}

async function send(url: URL, what: RequestInit, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const response = await asking(url, {
    ...what,
    method: 'POST',
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  await response.body?.cancel();
  if (response.ok) return;
  throw new SamovarError(codeOfStatus(response.status), `${url.origin} answered HTTP ${response.status}`, {
    subject: url.origin,
    status: response.status,
  });
}

/** What fails names the server alone: a cause may hold the whole URL. */
async function asking(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch {
    throw new SamovarError('network', `${url.origin} does not answer`, { subject: url.origin });
  }
}
