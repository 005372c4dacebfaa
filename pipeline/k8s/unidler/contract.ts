import type { Hands } from '../idling/change.ts';
import type { FindOptions } from './find.ts';

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

export type Say = (text: string) => void;

export interface WakeContext {
  readonly host: string;
  readonly options: WakeOptions;
  readonly hands: Hands;
  readonly say: Say;
}
