import { Buffer } from 'node:buffer';
import type { StopStatus } from './scan-state.ts';

export interface DecodeOptions {
  readonly bytesMax: number;
  /** Takes UTF-8. Valid only during the call. */
  readonly onBytes: (bytes: Buffer) => void;
  readonly stop: (status: StopStatus, reason: string) => void;
}

export interface Decoder {
  push(chunk: Uint8Array): void;
  end(): void;
  /** After decompression. */
  bytes(): number;
  cutShort(): string | undefined;
}

export function createDecoder(options: DecodeOptions): Decoder {
  let bytes = 0;
  return {
    push: (chunk) => {
      bytes += chunk.byteLength;
      if (bytes > options.bytesMax) options.stop('too-large', `it has more than ${options.bytesMax} bytes`);
      else options.onBytes(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    },
    end: () => undefined,
    bytes: () => bytes,
    cutShort: () => undefined,
  };
}
