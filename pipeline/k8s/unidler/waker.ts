import { describeError, SamovarError } from '../../errors.ts';
import type { Hands } from '../idling/change.ts';
import type { News, WakeEvent, WakeOptions } from './contract.ts';
import type { App } from './find.ts';
import { wake } from './wake.ts';

/** One wake, which any number of pages look at. */
export interface Wake {
  /** Tells its pages' reconnects which of its events they have. */
  readonly id: string;
  /** All so far; the last one is no progress once it has ended. */
  readonly events: readonly WakeEvent[];
  /** Undefined until it has ended. */
  readonly outcome: 'success' | 'error' | undefined;
  /** Called for each event from now on. Gives what ends that. */
  subscribe(listener: (event: WakeEvent) => void): () => void;
  readonly done: Promise<void>;
}

export interface Waker {
  /** The wake of a host that is going on, or has just ended; else a new one. Throws `throttled` when there are too many. */
  wake(host: string): Wake;
  /** As above, never a new one. */
  current(host: string): Wake | undefined;
  /** So that the next is a new one, where the last has ended. */
  forget(host: string): void;
  /** Wakes that go on. */
  count(): number;
}

export interface WakerOptions extends WakeOptions {
  readonly wakesMax: number;
  /** How long an ended wake is told to who asks, in milliseconds. */
  readonly keptMs: { readonly success: number; readonly error: number };
  /** Nothing is told of an app that was awake. */
  readonly onNews?: (news: News) => void;
}

interface Entry {
  readonly wake: Wake;
  /** Undefined: it goes on. */
  readonly untilMs: () => number | undefined;
}

/** One wake per host, however many ask. */
export function createWaker(options: WakerOptions, hands: Hands): Waker {
  const entries = new Map<string, Entry>();
  let count = 0;
  const sweep = () => {
    const nowMs = hands.nowMs();
    for (const [host, { untilMs }] of entries) if ((untilMs() ?? Infinity) <= nowMs) entries.delete(host);
  };
  const goingOn = () => [...entries.values()].filter(({ untilMs }) => untilMs() === undefined).length;
  const current = (host: string) => {
    sweep();
    return entries.get(host)?.wake;
  };
  return {
    current,
    count: goingOn,
    forget: (host) => {
      if (entries.get(host)?.untilMs() !== undefined) entries.delete(host);
    },
    wake: (host) => {
      const known = current(host);
      if (known !== undefined) return known;
      if (goingOn() >= options.wakesMax)
        throw new SamovarError('throttled', 'Too many apps are being woken. Try again in a moment.');
      count += 1;
      // Of another replica, which began one in the same instant, it is another wake.
      const chance = Math.floor(hands.random() * 2 ** 32).toString(36);
      const entry = start(host, `${hands.nowMs().toString(36)}.${chance}.${count}`, options, hands);
      entries.set(host, entry);
      return entry.wake;
    },
  };
}

function start(host: string, id: string, options: WakerOptions, hands: Hands): Entry {
  const beganMs = hands.nowMs();
  const events: WakeEvent[] = [];
  const listeners = new Set<(event: WakeEvent) => void>();
  let outcome: Wake['outcome'];
  let app: App | undefined;
  let untilMs: number | undefined;
  const tell = (event: WakeEvent) => {
    events.push(event);
    for (const listener of [...listeners]) listener(event);
  };
  const report = (what: News['what'], text: string) =>
    options.onNews?.({ what, host, app, text, ms: hands.nowMs() - beganMs });
  const end = (type: 'success' | 'error', text: string) => {
    outcome = type;
    untilMs = hands.nowMs() + options.keptMs[type];
    if (type === 'error') report('failed', text);
    else if (app !== undefined) report('ready', text);
    tell({ type, text });
    listeners.clear();
  };
  const run = async () => {
    const say = (text: string) => tell({ type: '', text });
    const onFound = (found: App) => {
      app = found;
      report('started', 'Replicas are being restored.');
    };
    try {
      end('success', await wake({ host, options, hands, say, onFound }));
    } catch (error) {
      // Whoever waits asks the next process, which goes on.
      if (hands.signal.aborted) return;
      options.log('an app was not woken', { host, reason: describeError(error) });
      end('error', textOf(error));
    }
  };
  const done = run();
  const subscribe = (listener: (event: WakeEvent) => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return {
    wake: {
      id,
      events,
      subscribe,
      done,
      get outcome() {
        return outcome;
      },
    },
    untilMs: () => untilMs,
  };
}

/** What is not said by us is not for visitors. */
function textOf(error: unknown): string {
  if (error instanceof SamovarError && /^[A-Z]/.test(error.message)) return error.message;
  return 'Your app could not be looked up. Try again in a moment.';
}
