import { setTimeout as sleep } from 'node:timers/promises';
import { it } from 'vitest';
import type { Queue, QueueMessage, ReceiveOptions } from '../../pipeline/backends/queue/contract.ts';

/** Long enough for a loaded machine; a test that holds waits for what it expects, not for this. */
const WAIT_MS = 20_000;

/** A bucket with news, and queues on it. */
export interface QueueUnderTest {
  /** Another queue on the same subscription or folder. */
  open(): Promise<Queue>;
  /** A queue on one that does not exist. */
  openMissing(): Promise<Queue>;
  readonly bucketUrl: string;
  /** Creates or replaces an object; gives its generation. */
  put(object: string): Promise<string>;
  close(): Promise<void>;
}

export interface Received {
  /** Every delivery, in its order. */
  readonly messages: QueueMessage[];
  readonly troubles: unknown[];
  readonly ended: Promise<void>;
  /** Deliveries that were neither acknowledged nor handed back: now, and at most so far. */
  out(): number;
  outMax(): number;
  readyTimes(): number;
  /** Resolves when there are so many messages. */
  until(count: number): Promise<readonly QueueMessage[]>;
  stop(): void;
}

export type Handle = (message: QueueMessage) => void;

/** Follows a queue; resolves once it delivers. */
export async function receive(
  queue: Queue,
  handle: Handle = () => undefined,
  limits: Partial<Pick<ReceiveOptions, 'messagesMax' | 'bytesMax' | 'leaseMaxMs'>> = {},
): Promise<Received> {
  const messages: QueueMessage[] = [];
  const troubles: unknown[] = [];
  const end = new AbortController();
  let out = 0;
  let outMax = 0;
  let readyTimes = 0;
  const onMessage = (message: QueueMessage) => {
    out += 1;
    outMax = Math.max(out, outMax);
    let open = true;
    const settled = (work: () => void) => () => {
      if (open) out -= 1;
      open = false;
      work();
    };
    const ours = {
      ...message,
      ack: settled(() => message.ack()),
      nack: settled(() => message.nack()),
    };
    messages.push(ours);
    handle(ours);
  };
  let ended: Promise<void> = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    ended = queue.receive({
      onMessage,
      onReady: () => {
        readyTimes += 1;
        resolve();
      },
      signal: end.signal,
      messagesMax: 1_000,
      bytesMax: 2 ** 26,
      leaseMaxMs: 600_000,
      onTrouble: (error) => troubles.push(error),
      ...limits,
    });
    ended.catch(reject);
  });
  return {
    messages,
    troubles,
    ended,
    out: () => out,
    outMax: () => outMax,
    readyTimes: () => readyTimes,
    until: async (count) => {
      await eventually(
        () => messages.length >= count,
        `${count} messages, and there are`,
        () => messages.length,
      );
      return messages;
    },
    stop: () => end.abort(),
  };
}

/** Waits until it holds; the error says what was waited for. */
export async function eventually(
  holds: () => boolean,
  what: string,
  seen: () => unknown = () => '',
  timeoutMs = WAIT_MS,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`waited ${timeoutMs} ms for ${what} ${String(seen())}`);
    await sleep(10);
  }
}

export type Gaps = Readonly<Record<string, string>>;

/** `it`, or where the driver or its server has a gap of that name, a test that fails while the gap is there. */
export function holdsBut(gaps: Gaps): {
  readonly holds: (name: string, body: () => Promise<void>, timeoutMs?: number) => void;
  /** Every gap that no test has. */
  unused(): readonly string[];
} {
  const used = new Set<string>();
  return {
    holds: (name, body, timeoutMs = 40_000) => {
      const gap = gaps[name];
      if (gap === undefined) return it(name, body, timeoutMs);
      used.add(name);
      it.fails(`not here (${gap}): ${name}`, body, timeoutMs);
    },
    unused: () => Object.keys(gaps).filter((name) => !used.has(name)),
  };
}
