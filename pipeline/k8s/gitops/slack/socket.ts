import { channel } from 'node:diagnostics_channel';
import { WebSocket } from 'undici';
import { SamovarError } from '../../../errors.ts';
import { type ReceiveOptions, receiveButton, receiveSlash, type SlashFields } from './receive.ts';
import { callSlack } from './talk.ts';

export interface SocketOptions extends ReceiveOptions {
  readonly appToken: string;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Called when Slack says hello: commands are taken from then on. */
  readonly onReady?: () => void;
  readonly silenceMsMax?: number;
}

const DELAY_MS = 1_000;
const DELAY_MS_MAX = 60_000;
const SEEN_MAX = 1_000;
/** Slack pings every few seconds, from its hello on; a socket that says nothing at all for so long is dead, though nobody closed it. */
const SILENCE_MS_MAX = 60_000;
/** A WebSocket's own events do not tell of pings; this does. */
const PINGS = channel('undici:websocket:ping');

/**
 * Takes commands by Slack's Socket Mode: no address of the bot's has to be reachable. Connects again until it is told to end. Throws
 * `denied` where Slack refuses the token: trying again would not help.
 */
export async function runSocket(options: SocketOptions): Promise<void> {
  const { signal, log, sleep, random } = options;
  const seen = new Set<string>();
  let failures = 0;
  while (!signal.aborted) {
    try {
      await listen(await openUrl(options), seen, options, () => {
        failures = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof SamovarError && error.code === 'denied') throw error;
      failures += 1;
      log(`Slack's socket broke: ${error instanceof Error ? error.message : String(error)}`);
      await sleep(Math.min(DELAY_MS * 2 ** failures, DELAY_MS_MAX) * (0.5 + random() / 2), signal).catch(
        () => undefined,
      );
    }
  }
}

const REFUSALS = [
  'invalid_auth',
  'not_authed',
  'token_revoked',
  'account_inactive',
  'not_allowed_token_type',
];

async function openUrl(options: SocketOptions): Promise<string> {
  const answer = await callSlack('apps.connections.open', {}, { ...options, token: options.appToken });
  const { ok, url, error } = answer as { ok?: boolean; url?: string; error?: string };
  if (ok === true && typeof url === 'string' && /^wss?:\/\//.test(url)) return url;
  const isRefused = REFUSALS.includes(error ?? '');
  throw new SamovarError(
    isRefused ? 'denied' : 'unavailable',
    `Slack opens no socket: ${error ?? 'no reason'}`,
    {
      remedy: 'Check slackAppToken: an app-level token with connections:write.',
    },
  );
}

/** Until the socket closes. */
function listen(url: string, seen: Set<string>, options: SocketOptions, onHello: () => void): Promise<void> {
  const { silenceMsMax = SILENCE_MS_MAX } = options;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const end = () => {
      clearTimeout(silence);
      PINGS.unsubscribe(onPing);
      options.signal.removeEventListener('abort', stop);
    };
    // Not until the other side has said goodbye too: it may never.
    const stop = () => {
      end();
      socket.close(1000);
      resolve();
    };
    const silence = setTimeout(() => {
      end();
      socket.close();
      reject(new Error(`it said nothing for ${silenceMsMax / 1000} seconds`));
    }, silenceMsMax);
    silence.unref();
    const onPing = (message: unknown) => {
      if ((message as { readonly websocket?: unknown }).websocket === socket) silence.refresh();
    };
    PINGS.subscribe(onPing);
    options.signal.addEventListener('abort', stop, { once: true });
    socket.addEventListener('message', ({ data }) => {
      silence.refresh();
      const envelope = envelopeOf(data);
      if (envelope.type === 'hello') {
        onHello();
        options.onReady?.();
      } else if (envelope.type === 'disconnect') stop();
      else receive(envelope, socket, seen, options);
    });
    socket.addEventListener('error', () => {
      end();
      reject(new Error('the connection failed'));
    });
    socket.addEventListener('close', () => {
      end();
      resolve();
    });
  });
}

interface Envelope {
  readonly type?: unknown;
  readonly envelope_id?: unknown;
  readonly payload?: unknown;
}

/** Acknowledged before anything is done; one that comes again, since its acknowledgement was lost, is only acknowledged. */
function receive(
  { type, envelope_id: id, payload }: Envelope,
  socket: WebSocket,
  seen: Set<string>,
  options: SocketOptions,
) {
  if (typeof id !== 'string') return;
  const isNew = !seen.has(id);
  seen.add(id);
  for (const old of seen) {
    if (seen.size <= SEEN_MAX) break;
    seen.delete(old);
  }
  const ack = isNew && type === 'slash_commands' ? receiveSlash(fieldsOf(payload), options) : undefined;
  socket.send(JSON.stringify({ envelope_id: id, ...(ack === undefined ? {} : { payload: ack }) }));
  if (isNew && type === 'interactive') receiveButton(payload, options);
}

function fieldsOf(payload: unknown): SlashFields {
  const entries = Object.entries((payload ?? {}) as Record<string, unknown>);
  return Object.fromEntries(
    entries.flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}

function envelopeOf(data: unknown): Envelope {
  try {
    return typeof data === 'string' ? ((JSON.parse(data) ?? {}) as Envelope) : {};
  } catch {
    return {};
  }
}
