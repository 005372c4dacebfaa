import progress from 'cli-progress';
import type { Logger } from 'pino';

const { Format, SingleBar } = progress;

const REDRAW_PER_S = 4;
const LOG_EVERY_MS = 10_000;

/** What a progress line is fed with: read a few times a second. */
export interface ProgressState {
  readonly done: number;
  /** As far as known; grows while listing goes on. 0 = unknown. */
  readonly total: number;
  /** More figures in words: `310 requests, 2 retries`. */
  readonly details: string;
}

export interface ProgressOptions {
  readonly label: string;
  /** What is counted: `builds`. Empty: nothing can be, as of one question to a database; then only the time is shown. */
  readonly unit: string;
  readonly read: () => ProgressState;
  /** A person watches: one line, redrawn. Otherwise a log line every ten seconds. */
  readonly interactive: boolean;
  readonly stderr: NodeJS.WriteStream;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** Work that ends sooner shows nothing: a line that flashes up helps nobody. */
const SHOWN_AFTER_MS = 1_000;
const BAR_CHARS = 20;

/** Shows how far work is, with its rate and the time that is left; gives what ends it. */
export function startProgress(options: ProgressOptions): () => void {
  return options.interactive ? drawLine(options) : logLines(options);
}

function drawLine(options: ProgressOptions): () => void {
  const { read, stderr, nowMs } = options;
  const startedMs = nowMs();
  const bar = new SingleBar({
    stream: stderr,
    fps: REDRAW_PER_S,
    clearOnComplete: true,
    hideCursor: true,
    linewrap: false,
    gracefulExit: false,
    format: (barOptions) => {
      const state = read();
      const share = state.total > 0 ? Math.min(1, state.done / state.total) : 0;
      const drawn = Format.BarFormat(share, { ...barOptions, barsize: BAR_CHARS });
      return progressText(options, state, { seconds: (nowMs() - startedMs) / 1000, bar: drawn });
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const begin = setTimeout(() => {
    bar.start(1, 0);
    timer = setInterval(() => bar.update(0), 1000 / REDRAW_PER_S);
  }, SHOWN_AFTER_MS);
  begin.unref();
  return () => {
    clearTimeout(begin);
    if (timer === undefined) return;
    clearInterval(timer);
    bar.stop();
  };
}

/** One line: `make-db [====----] 310/900 builds, 52/s, 1.2 MiB, 11 s left`. Without a total that is known: no bar, and no time left. */
export function progressText(
  { label, unit }: Pick<ProgressOptions, 'label' | 'unit'>,
  state: ProgressState,
  { seconds, bar }: { readonly seconds: number; readonly bar: string },
): string {
  const { done, total, details } = state;
  if (unit === '') return `${label}, ${duration(seconds)}`;
  const { perSecond, secondsLeft } = paceOf(state, seconds);
  const count = total > 0 ? `${bar} ${done}/${total}` : String(done);
  const parts = [
    `${label} ${count} ${unit}`,
    `${perSecond}/s`,
    ...(details === '' ? [] : [details]),
    ...(secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`]),
  ];
  return parts.join(', ');
}

/** On the average so far. No time left is told where the end is not known, or nothing is done yet. */
export function paceOf({ done, total }: ProgressState, seconds: number) {
  const pace = done / Math.max(seconds, 0.001);
  const perSecond = pace < 10 ? Math.round(pace * 10) / 10 : Math.round(pace);
  const secondsLeft = total > done && done > 0 ? (total - done) / pace : undefined;
  return { perSecond, secondsLeft };
}

function logLines({ label, unit, read, log, nowMs }: ProgressOptions): () => void {
  const startedMs = nowMs();
  const timer = setInterval(() => {
    const { done, total, details } = read();
    const seconds = (nowMs() - startedMs) / 1000;
    if (unit === '') return log.info({ seconds: Math.round(seconds) }, label);
    const { perSecond, secondsLeft } = paceOf({ done, total, details }, seconds);
    const left = secondsLeft === undefined ? {} : { secondsLeft: Math.round(secondsLeft) };
    log.info({ done, total, unit, perSecond, ...left, details }, label);
  }, LOG_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** 75 s → `1 min 15 s`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 1536 → `1.5 KiB`. */
export function byteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit] ?? 'B'}`;
}
