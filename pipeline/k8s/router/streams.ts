import type { Duplex } from 'node:stream';
import { textOf } from './bytes.ts';
import type { Workers } from './calls.ts';
import type { Forward } from './forward.ts';
import { createLengthCheck, HEAD_BYTES, messageIn } from './frames.ts';
import type { Call } from './grpc-call.ts';
import { RouteError } from './status.ts';
import type { Table } from './table.ts';

export interface StreamOptions {
  readonly table: () => Table;
  readonly workers: Workers;
  readonly forward: Pick<Forward, 'targetOf'>;
  /** Throws for a key that is wrong. */
  readonly guard: (key: string | undefined) => void;
}

const MESSAGE_BYTES_MAX = 64 * 1024;
const ANSWER_BYTES_MAX = 32_000_000;

/** What field `number` of the first message names decides; after that both sides are joined, each as fast as the other reads. */
export function joinStreams(call: Call, path: string, number: number, options: StreamOptions): void {
  const check = createLengthCheck(MESSAGE_BYTES_MAX);
  let seen = Buffer.alloc(0);
  let worker: Duplex | undefined;
  call.stream.on('data', (chunk: Buffer) => {
    try {
      check(chunk);
      if (worker !== undefined) return pass(chunk, call.stream, worker);
      seen = Buffer.concat([seen, chunk]);
      const first = firstOf(seen);
      if (first === undefined) return;
      options.guard(call.key);
      const message = messageIn(first, call.encoding, MESSAGE_BYTES_MAX);
      worker = openWorker(call, path, textOf(message, number), options);
      worker.write(seen);
    } catch (error) {
      call.fail(error);
    }
  });
  call.stream.once('end', () => {
    if (worker !== undefined) worker.end();
    else call.fail(new RouteError('INVALID_ARGUMENT', 'the stream ended before its first message'));
  });
}

function firstOf(seen: Buffer): Buffer | undefined {
  if (seen.length < HEAD_BYTES) return undefined;
  const bytes = HEAD_BYTES + seen.readUInt32BE(1);
  return seen.length < bytes ? undefined : seen.subarray(0, bytes);
}

function openWorker(call: Call, path: string, name: string, options: StreamOptions): Duplex {
  const target = options.forward.targetOf(options.table().find(name));
  const span = call.around.span.attempt({ ...target, path, attempt: 1 });
  const headers = {
    ...call.around.headers,
    traceparent: span.traceparent,
    ...(call.encoding !== undefined && { 'grpc-encoding': call.encoding }),
  };
  const worker = options.workers.open(target, path, { ...call.around, headers }, (error) => {
    span.end(error?.status ?? 'OK');
    if (error === undefined) call.end();
    else call.fail(error);
  });
  const check = createLengthCheck(ANSWER_BYTES_MAX);
  worker.once('response', (given) => call.start(given['grpc-encoding']));
  worker.on('data', (chunk: Buffer) => {
    try {
      check(chunk);
      pass(chunk, worker, call.stream);
    } catch (error) {
      call.fail(error);
      worker.destroy();
    }
  });
  return worker;
}

function pass(chunk: Buffer, from: Duplex, to: Duplex): void {
  if (to.destroyed || to.writableEnded || to.write(chunk)) return;
  from.pause();
  to.once('drain', () => from.resume());
}
