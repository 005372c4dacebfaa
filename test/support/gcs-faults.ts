import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong with one request. */
export type Fault =
  /** The answer comes, later. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** The request is read and never answered. */
  | { readonly kind: 'stall' }
  /** Headers and half of the body, then nothing. */
  | { readonly kind: 'stall-body' }
  /** All of it, a byte at a time. */
  | { readonly kind: 'trickle'; readonly everyMs: number }
  /** The connection is reset before an answer; the request has been carried out. */
  | { readonly kind: 'reset' }
  /** ... in the middle of the body. */
  | { readonly kind: 'reset-body' }
  /** Content-Length says more than comes before the connection ends. */
  | { readonly kind: 'short-body' }
  /** Half of the body without any length, then a clean end of the connection: HTTP cannot tell. */
  | { readonly kind: 'cut-body' }
  /** A body that never ends. */
  | { readonly kind: 'endless-body' }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string; readonly body?: string }
  /** A proxy's page, with status 200. */
  | { readonly kind: 'html' }
  /** The first half of the JSON, with the right Content-Length. */
  | { readonly kind: 'truncated-json' }
  /** Lists: this page token, whatever was asked. */
  | { readonly kind: 'repeat-token'; readonly token: string }
  /** Lists: each size is multiplied. */
  | { readonly kind: 'lie-sizes'; readonly factor: number };

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const HTML = '<html><body><h1>Please sign in to the network</h1></body></html>';

/** The answer as a fault changes it, before anything is sent. */
export function falsify(answer: Answer, fault: Fault | undefined): Answer {
  if (fault?.kind === 'status') {
    const headers = {
      date: new Date(1_700_000_000_000).toUTCString(),
      ...(fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter }),
    };
    return { status: fault.status, headers, body: Buffer.from(fault.body ?? '') };
  }
  if (fault?.kind === 'html')
    return { status: 200, headers: { 'content-type': 'text/html' }, body: Buffer.from(HTML) };
  if (fault?.kind === 'truncated-json') return { ...answer, body: half(answer.body) };
  if (fault?.kind === 'repeat-token')
    return rewrite(answer, (listing) => ({ ...listing, nextPageToken: fault.token }));
  if (fault?.kind === 'lie-sizes') {
    return rewrite(answer, (listing) => ({
      ...listing,
      items: (listing.items ?? []).map((item) => ({
        ...item,
        size: String(Number(item.size) * fault.factor),
      })),
    }));
  }
  return answer;
}

/** Sends an answer, or as much of it as the fault lets through. */
export async function send(
  response: ServerResponse,
  answer: Answer,
  fault: Fault | undefined,
): Promise<void> {
  const { status, headers, body } = answer;
  if (fault?.kind === 'stall') return;
  if (fault?.kind === 'reset') return reset(response);
  if (fault?.kind === 'latency') await sleep(fault.ms);
  if (fault?.kind === 'cut-body' || fault?.kind === 'endless-body') {
    // Decides what writeHead says about the length: nothing at all, or chunks.
    response.useChunkedEncodingByDefault = fault.kind === 'endless-body';
    response.writeHead(status, { ...headers, connection: 'close' });
    if (fault.kind === 'cut-body') return void response.end(half(body));
    return endless(response);
  }
  response.writeHead(status, status === 304 ? headers : { ...headers, 'content-length': body.length });
  if (fault?.kind === 'trickle') return trickle(response, body, fault.everyMs);
  if (fault?.kind !== 'stall-body' && fault?.kind !== 'reset-body' && fault?.kind !== 'short-body')
    return void response.end(body);
  await new Promise((resolve) => response.write(half(body), resolve));
  // Long enough for the half to have been read: a reset throws away what is still on its way.
  if (fault.kind === 'reset-body') await sleep(30).then(() => reset(response));
  if (fault.kind === 'short-body') response.socket?.end();
}

async function trickle(response: ServerResponse, body: Buffer, everyMs: number): Promise<void> {
  for (const byte of body) {
    if (response.destroyed) return;
    response.write(Buffer.of(byte));
    await sleep(everyMs);
  }
  response.end();
}

async function endless(response: ServerResponse): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  while (!response.destroyed) {
    response.write(chunk);
    await sleep(1);
  }
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

function half(body: Buffer): Buffer {
  return body.subarray(0, Math.floor(body.length / 2));
}

interface Listing {
  readonly items?: readonly Record<string, unknown>[];
}

function rewrite(answer: Answer, change: (listing: Listing) => unknown): Answer {
  return {
    ...answer,
    body: Buffer.from(JSON.stringify(change(JSON.parse(answer.body.toString()) as Listing))),
  };
}
