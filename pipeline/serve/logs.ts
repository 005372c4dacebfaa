import { type Context, Hono } from 'hono';
import type { LogSegment } from '../mutation-log/contract.ts';
import { logBody, rangeOf } from './logs-range.ts';
import { waitForLog } from './logs-wait.ts';
import type { Served, ServedLog } from './served.ts';
import { Refusal } from './status.ts';

export interface LogPagesOptions {
  readonly served: Served;
  /** The server ends: those who wait are let go. */
  readonly stopping: AbortSignal;
  readonly limits?: { readonly waitMs?: number; readonly pollMs?: number };
}

/** A client's proxy gives up after a minute. */
const WAIT_MS = 55_000;
const POLL_MS = 500;

/** maintner's `/logs` and `/logs/N`: of the only repository, and of each under `/OWNER/REPO`. */
export function logPages({
  served,
  stopping,
  limits: { waitMs = WAIT_MS, pollMs = POLL_MS } = {},
}: LogPagesOptions): Hono {
  const app = new Hono();
  const timing = { waitMs, pollMs, stopping };
  const page = (path: string, show: (context: Context, place: Place) => Promise<Response>) =>
    app.all(path, (context) => {
      // Not 405: maintner's followers know 400.
      if (!['GET', 'HEAD'].includes(context.req.method)) return context.text('only GET and HEAD\n', 400);
      return show(context, placeOf(context, served));
    });
  for (const prefix of ['', '/:owner/:repo']) {
    page(`${prefix}/logs`, (context, place) => index(context, place, timing));
    page(`${prefix}/logs/:number`, segment);
  }
  return app;
}

interface Place {
  readonly log: ServedLog;
  /** What the log's addresses begin with. */
  readonly base: string;
}

function placeOf(context: Context, served: Served): Place {
  const { owner, repo: name } = context.req.param() as { readonly owner?: string; readonly repo?: string };
  if (owner === undefined || name === undefined) {
    const [only, ...others] = served.repos();
    if (only?.log !== undefined && others.length === 0) return { log: only.log, base: '' };
    throw new Refusal('NOT_FOUND', 'several logs are here: ask for /OWNER/REPO/logs');
  }
  const log = served.find(owner, name)?.log;
  if (log === undefined) throw new Refusal('NOT_FOUND', `there is no log of ${owner}/${name} here`);
  return { log, base: `/${owner}/${name}` };
}

interface Timing {
  readonly waitMs: number;
  readonly pollMs: number;
  readonly stopping: AbortSignal;
}

async function index(context: Context, { log, base }: Place, timing: Timing): Promise<Response> {
  const start = wholeNumber(context.req.query('startseg'));
  const sizeNot = wholeNumber(context.req.query('waitsizenot'));
  if (start === null) return context.text('startseg must be a whole number, 0 or more\n', 400);
  if (sizeNot === null) return context.text('waitsizenot must be a whole number, 0 or more\n', 400);
  const from = (all: readonly LogSegment[]) => listed(all, start ?? 0);
  const signal = AbortSignal.any([timing.stopping, context.req.raw.signal]);
  const changed = (all: readonly LogSegment[]) => sizeNot === undefined || sum(from(all)) !== sizeNot;
  const all = await waitForLog(log, { ...timing, signal, changed });
  if (all === undefined) return context.body(null, 304);
  const shown = from(all);
  const json = JSON.stringify(
    shown.map((one) => entry(one, log, base)),
    null,
    '\t',
  );
  return context.body(`${json}\n`, 200, {
    'content-type': 'application/json',
    'x-sum-segment-size': String(sum(shown)),
  });
}

function entry(segment: LogSegment, log: ServedLog, base: string) {
  const { number, size, sha224, growing } = segment;
  const url = growing ? undefined : log.publicUrl(segment);
  return { number, size, sha224, url: url ?? `${base}/logs/${number}` };
}

/** An empty one is not yet one. A start beyond the end is the beginning. */
function listed(all: readonly LogSegment[], start: number): readonly LogSegment[] {
  const there = all.filter(({ size, growing }) => size > 0 || !growing);
  const beyond = there.every(({ number }) => number < start);
  return beyond ? there : there.filter(({ number }) => number >= start);
}

function sum(segments: readonly LogSegment[]): number {
  return segments.reduce((total, { size }) => total + size, 0);
}

async function segment(context: Context, { log }: Place): Promise<Response> {
  const number = wholeNumber((context.req.param() as { readonly number?: string }).number);
  const all = await log.segments();
  const found = typeof number === 'number' ? all.find((one) => one.number === number) : undefined;
  if (found === undefined) return context.text('there is no such segment\n', 400);
  const url = found.growing ? undefined : log.publicUrl(found);
  if (url !== undefined) return context.redirect(url, 302);
  const range = rangeOf(context.req.header('range'), context.req.header('if-range'), found.size);
  const common = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' };
  if (range === 'none')
    return context.body(null, 416, { ...common, 'content-range': `bytes */${found.size}` });
  const { start, end } = range ?? { start: 0, end: found.size };
  const headers = { ...common, 'content-length': String(end - start) };
  // Not read for a HEAD: nobody draws from it.
  const body = logBody(log, found, { start, end });
  if (range === undefined) return context.body(body, 200, headers);
  return context.body(body, 206, { ...headers, 'content-range': `bytes ${start}-${end - 1}/${found.size}` });
}

/** Null: it is none. */
function wholeNumber(text: string | undefined): number | undefined | null {
  if (text === undefined || text === '') return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
