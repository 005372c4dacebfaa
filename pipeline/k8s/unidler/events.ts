import type { WakeEvent } from './contract.ts';
import type { Wake } from './waker.ts';

/** How soon a browser comes back after a connection broke. */
const RETRY_MS = 3_000;

/** As the original wrote them, five lines each; what has several lines is several lines of data. */
export function eventText({ type, text }: WakeEvent, id: string): string {
  const data = text.split(/\r\n|[\r\n]/).map((line) => `data: ${line}\n`);
  return `id: ${id}\nretry: ${RETRY_MS}\nevent: ${type}\n${data.join('')}\n`;
}

/** A comment: keeps proxies from closing what is silent. */
const HEARTBEAT = ': still here\n\n';

export interface StreamOptions {
  readonly heartbeatMs: number;
  /** Of a browser that comes back: what it has seen. */
  readonly lastEventId?: string | undefined;
  readonly signal: AbortSignal;
  /** Called once, when the stream is over. */
  readonly onEnd: () => void;
}

/** Everything that a wake told and tells, but for what the browser has seen. Ends with the wake, the browser, or the signal. */
export function streamWake(wake: Wake, options: StreamOptions): Response {
  const [seenOf, seenCount = ''] = options.lastEventId?.split('-') ?? [];
  let next = seenOf === wake.id && /^\d{1,6}$/.test(seenCount) ? Number(seenCount) : 0;
  let stop = () => {};
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      const encoder = new TextEncoder();
      const write = (text: string) => controller.enqueue(encoder.encode(text));
      const heartbeat = setInterval(() => write(HEARTBEAT), options.heartbeatMs);
      let isOver = false;
      const end = () => {
        if (isOver) return;
        stop();
        controller.close();
      };
      const flush = () => {
        for (const event of wake.events.slice(next)) {
          next += 1;
          write(eventText(event, `${wake.id}-${next}`));
        }
        if (wake.outcome !== undefined) end();
      };
      const unsubscribe = wake.subscribe(flush);
      stop = () => {
        if (!isOver) options.onEnd();
        isOver = true;
        clearInterval(heartbeat);
        unsubscribe();
        options.signal.removeEventListener('abort', end);
      };
      options.signal.addEventListener('abort', end);
      if (options.signal.aborted) end();
      else flush();
    },
    cancel: () => stop(),
  });
  return eventStream(body);
}

/** One event, and the end. */
export function streamOnce(event: WakeEvent): Response {
  return eventStream(eventText(event, ''));
}

function eventStream(body: string | ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-store',
      connection: 'keep-alive',
      // nginx would keep events until there are many.
      'x-accel-buffering': 'no',
    },
  });
}
