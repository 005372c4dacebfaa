import type { RowHead } from '../row.ts';
import type { FileName, ReadBuild } from './contract.ts';

/** What is asked of a reading thread. Builds and files go by numbers of the asker's; blocks are given away, not copied. */
export type Ask =
  /** The next bytes of a file; `file` says which one where it begins. Answered by `taken`. */
  | {
      readonly kind: 'block';
      readonly build: number;
      readonly id: number;
      readonly begins: FileName | undefined;
      readonly bytes: Uint8Array;
      readonly last: boolean;
    }
  /** The body broke off: nothing of the file is kept. Answered by nothing. */
  | { readonly kind: 'drop'; readonly build: number; readonly id: number }
  /** Answered by `made`. */
  | { readonly kind: 'finish'; readonly build: number; readonly head: RowHead }
  | { readonly kind: 'discard'; readonly build: number };

export type Answer =
  /** A block is read; with the last one the file is. */
  | { readonly kind: 'taken'; readonly id: number; readonly failed: Failure | undefined }
  | {
      readonly kind: 'made';
      readonly build: number;
      readonly result: ReadBuild | undefined;
      readonly failed: Failure | undefined;
    };

/** An error on its way between threads, which its class does not survive. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly stack: string | undefined;
}
