import type { Hands } from '../idling/change.ts';
import type { App, FindOptions } from './find.ts';

/** One thing that a waiting page is told. `idle`: it sleeps, and nobody has asked to wake it. */
export interface WakeEvent {
  /** '' is progress; the others are the last. */
  readonly type: '' | 'success' | 'error' | 'idle';
  readonly text: string;
}

export interface WakeOptions extends FindOptions {
  /** From its beginning, in milliseconds: then it failed. */
  readonly deadlineMs: number;
  /** Between looks when no watch tells anything, in milliseconds. */
  readonly tickMs: number;
  /** Told what a visitor is not: causes, and what was restored only nearly. */
  readonly log: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

/** `started`: an app that sleeps was found, and is being woken; the others are the end of that. */
export interface News {
  readonly what: 'started' | 'ready' | 'failed';
  readonly host: string;
  /** Undefined where it failed before anything was found. */
  readonly app: App | undefined;
  /** What visitors are told. */
  readonly text: string;
  /** Since the beginning, in milliseconds. */
  readonly ms: number;
}

export type Say = (text: string) => void;

export interface WakeContext {
  readonly host: string;
  readonly options: WakeOptions;
  readonly hands: Hands;
  readonly say: Say;
  /** Told of an app that sleeps, before anything is done to it. */
  readonly onFound: (app: App) => void;
}
