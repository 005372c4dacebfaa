import { SamovarError } from '../../../errors.ts';
import type { SlackMessage } from './message.ts';

/** One message of the bot's that tells how a command goes: posted once, then changed. */
export interface Told {
  /** Later ones replace earlier ones. Never throws: a message that is lost stops no command. */
  show(message: SlackMessage): Promise<void>;
}

export interface TalkOptions {
  readonly botToken?: string | undefined;
  /** Default https://slack.com/api */
  readonly apiUrl?: string | undefined;
  /** Where response URLs may lead; default https://hooks.slack.com */
  readonly hooksOrigin?: string | undefined;
  readonly signal: AbortSignal;
  readonly log: (message: string) => void;
}

export interface Where {
  readonly channel: string;
  readonly responseUrl: string;
}

const TIMEOUT_MS = 10_000;
/** A response URL takes five posts; the last one is for the end. */
const POSTS_MAX = 5;

/** By the bot's token where there is one, for a message of its own in the channel; else, and where it is not in the channel, by the response URL. */
export function tellAbout(where: Where, options: TalkOptions): Told {
  let last: Promise<void> = Promise.resolve();
  let stamp: { readonly channel: string; readonly ts: string } | undefined;
  let isByUrl = options.botToken === undefined;
  let posts = 0;
  const show = async (message: SlackMessage, isEnd: boolean) => {
    if (!isByUrl) {
      const method = stamp === undefined ? 'chat.postMessage' : 'chat.update';
      const answer = await callSlack(method, { ...message, channel: where.channel, ...stamp }, options);
      const { ok, ts, channel } = answer as { ok?: boolean; ts?: string; channel?: string };
      if (ok === true) {
        if (ts !== undefined) stamp = { channel: channel ?? where.channel, ts };
        return;
      }
      isByUrl = true;
    }
    if (posts >= POSTS_MAX - (isEnd ? 0 : 1)) return;
    posts += 1;
    const body = { ...message, response_type: 'in_channel', replace_original: posts > 1 };
    await post(responseUrl(where.responseUrl, options), body, {}, options);
  };
  return {
    show: (message) => {
      const isEnd = message.text.includes('```');
      last = last
        .then(() => show(message, isEnd))
        .catch((error: unknown) => options.log(`Slack was not told: ${error}`));
      return last;
    },
  };
}

/** To the one who asked only. */
export async function whisper(where: Where, message: SlackMessage, options: TalkOptions): Promise<void> {
  const body = { ...message, response_type: 'ephemeral', replace_original: false };
  await post(responseUrl(where.responseUrl, options), body, {}, options).catch((error: unknown) =>
    options.log(`Slack was not told: ${error}`),
  );
}

/** A method of Slack's API. Throws as `fetch`. */
export function callSlack(method: string, body: unknown, options: TalkOptions & { readonly token?: string }) {
  const token = options.token ?? options.botToken ?? '';
  const url = `${options.apiUrl ?? 'https://slack.com/api'}/${method}`;
  return post(url, body, { authorization: `Bearer ${token}` }, options);
}

/** It comes in a request: only Slack's own hosts are written to. */
function responseUrl(text: string, { hooksOrigin = 'https://hooks.slack.com' }: TalkOptions): string {
  const origin = URL.canParse(text) ? new URL(text).origin : '';
  if (origin === hooksOrigin) return text;
  throw new SamovarError('refused', 'the response URL is not one of Slack');
}

async function post(url: string, body: unknown, headers: Record<string, string>, { signal }: TalkOptions) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`Slack answered ${answer.status}`);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return {};
  }
}
