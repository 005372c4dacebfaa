import { SamovarError } from '../../errors.ts';

/** A body whose blocks come by messages. */
export interface Feed {
  readonly body: AsyncIterable<Uint8Array>;
  push(bytes: Uint8Array, last: boolean): void;
  /** The rest does not come: the body throws. */
  drop(): void;
  dropped(): boolean;
}

/** `onTaken` is told of every block but the last once its reader asks for the next one. */
export function createFeed(onTaken: () => void): Feed {
  const blocks: Uint8Array[] = [];
  let ended = false;
  let isDropped = false;
  let wake: (() => void) | undefined;
  async function* body(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (isDropped) throw new SamovarError('aborted', 'the rest of a file does not come');
      const block = blocks.shift();
      if (block !== undefined) {
        yield block;
        if (blocks.length > 0 || !ended) onTaken();
      } else if (ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
  return {
    body: body(),
    push: (bytes, last) => {
      blocks.push(bytes);
      ended = last;
      wake?.();
    },
    drop: () => {
      isDropped = true;
      wake?.();
    },
    dropped: () => isDropped,
  };
}
