import { codeOf, statusOf } from '../../net/grpc-status.ts';
import { RouteError } from './status.ts';

/** Digits that a deadline may have. */
const TIMEOUT_MS_MAX = 99_999_999;
const UNITS_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
const MESSAGE_CHARS_MAX = 4_000;

/** Milliseconds of gRPC's header `grpc-timeout`; Infinity for none. Throws INTERNAL, as gRPC's servers do, for what is no time. */
export function readTimeout(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  if (digits === undefined) throw new RouteError('INTERNAL', 'grpc-timeout is no time');
  return Number(digits) * (UNITS_MS[unit] ?? 1);
}

export function timeoutText(ms: number): string {
  return `${Math.min(Math.max(Math.ceil(ms), 1), TIMEOUT_MS_MAX)}m`;
}

/** How a call ended, as its trailers say it. */
export function trailersOf({ status, message }: RouteError): Readonly<Record<string, string>> {
  return { 'grpc-status': String(codeOf(status)), 'grpc-message': escaped(message) };
}

export const OK_TRAILERS = { 'grpc-status': '0' } as const;

/** The worker's code and words; undefined where all went well. */
export function endOf(code: string, words: string): RouteError | undefined {
  if (code === '0') return undefined;
  return new RouteError(statusOf(Number(code)), unescaped(words), { ours: false });
}

function escaped(text: string): string {
  return (
    text
      .slice(0, MESSAGE_CHARS_MAX)
      // Spaces at either end are no part of a header's value.
      .replace(/[^\x20-\x24\x26-\x7e]+|^ +| +$/g, (run) =>
        Buffer.from(run, 'utf8').toString('hex').toUpperCase().replace(/../g, '%$&'),
      )
  );
}

function unescaped(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
