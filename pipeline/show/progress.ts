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
  /** What is counted: `builds`. */
  readonly unit: string;
  readonly read: () => ProgressState;
  /** A person watches: one line, redrawn. Otherwise a log line every ten seconds. */
  readonly interactive: boolean;
  readonly stderr: NodeJS.WriteStream;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** Shows how long work goes on; gives what ends it. */
export function startProgress(options: ProgressOptions): () => void {
  return options.interactive ? drawLine(options) : logLines(options);
}

function drawLine({ label, unit, read, stderr, nowMs }: ProgressOptions): () => void {
  const startedMs = nowMs();
  const bar = new SingleBar({
    stream: stderr,
    fps: REDRAW_PER_S,
    clearOnComplete: true,
    hideCursor: true,
    etaBuffer: 100,
    linewrap: false,
    gracefulExit: false,
    format: (barOptions, _params, payload) => {
      const state = (payload as { state?: ProgressState }).state ?? read();
      const seconds = Math.max((nowMs() - startedMs) / 1000, 0.001);
      const eta =
        state.total > state.done && state.done > 0
          ? `, ETA ${duration((seconds / state.done) * (state.total - state.done))}`
          : '';
      const line = Format.BarFormat(state.total > 0 ? Math.min(1, state.done / state.total) : 0, {
        ...barOptions,
        barsize: 20,
      });
      return `${label} ${line} ${state.done}/${state.total} ${unit}, ${(state.done / seconds).toFixed(0)}/s, ${state.details}${eta}`;
    },
  });
  bar.start(1, 0, { state: read() });
  const timer = setInterval(() => bar.update(0, { state: read() }), 1000 / REDRAW_PER_S);
  return () => {
    clearInterval(timer);
    bar.stop();
  };
}

function logLines({ label, unit, read, log }: ProgressOptions): () => void {
  const timer = setInterval(() => {
    const { done, total, details } = read();
    log.info({ done, total, unit, details }, label);
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
