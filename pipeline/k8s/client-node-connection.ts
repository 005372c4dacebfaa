import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent, type RequestOptions, request as requestHttps } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { SamovarError } from '../errors.ts';
import { broken, malformed, refusal, type Said, saidIn, stopped, tooLate } from './client-node-errors.ts';

/** A free connection is let go before servers and balancers do, who tell nobody. */
const IDLE_MS = 30_000;

export interface Sending {
  /** In words, for errors: `patch Deployment default/x`. */
  readonly doing: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly value: unknown;
  readonly said: Said;
  readonly retryAfterMs?: number;
}

export interface Limits {
  /** Of one call, its answer read; of a watch, until it begins. */
  readonly timeoutMs: number;
  /** Of one answer, and of one event of a watch. */
  readonly bodyBytesMax: number;
}

/** A request that goes on until it is let go. */
export interface Flow {
  readonly response: IncomingMessage;
  /** Of what went wrong meanwhile: the caller's stop, the deadline, or the connection. */
  explain(error: unknown): Error;
  end(): void;
}

export interface Connection {
  /** The whole answer, whatever its status. */
  send(sending: Sending): Promise<Answer>;
  /** An answer that was a success, as it comes; `lifeMs` after its beginning it is cut. */
  flow(sending: Sending, lifeMs: number): Promise<Flow>;
  readonly bodyBytesMax: number;
  close(): void;
}

/** Requests to the cluster of a kubeconfig's current context. Credentials are asked for at every call: tokens change. */
export function connect(config: KubeConfig, limits: Limits): Connection {
  const closing = new AbortController();
  const agents = createAgents();
  const begin = async (sending: Sending) => {
    const stop = stopOf([closing.signal, sending.signal], sending.doing, limits.timeoutMs);
    try {
      const { server, options } = await stop.unless(credentials(config, sending.doing));
      const response = await request(server, sending, { ...options, ...agents.of(config, options) }, stop);
      return { stop, response };
    } catch (error) {
      stop.end();
      throw stop.explain(error);
    }
  };
  return {
    bodyBytesMax: limits.bodyBytesMax,
    send: async (sending) => {
      const { stop, response } = await begin(sending);
      try {
        return answerOf(sending, response, await bodyOf(response, sending.doing, limits.bodyBytesMax));
      } catch (error) {
        throw stop.explain(error);
      } finally {
        stop.end();
      }
    },
    flow: async (sending, lifeMs) => {
      const { stop, response } = await begin(sending);
      const flow = { response, explain: stop.explain, end: () => end(stop, response) };
      try {
        if (response.statusCode === 200) stop.extend(lifeMs);
        else throw await refusedFlow(sending, response, limits.bodyBytesMax);
        return flow;
      } catch (error) {
        flow.end();
        throw stop.explain(error);
      }
    },
    close: () => {
      closing.abort();
      agents.close();
    },
  };
}

async function refusedFlow(sending: Sending, response: IncomingMessage, bytesMax: number): Promise<Error> {
  const body = await bodyOf(response, sending.doing, bytesMax);
  return refusal({ doing: sending.doing, ...answerOf(sending, response, body) });
}

function end(stop: Stop, response: IncomingMessage): void {
  stop.end();
  response.destroy();
}

async function credentials(config: KubeConfig, doing: string) {
  const server = config.getCurrentCluster()?.server ?? '';
  const options: RequestOptions = { timeout: IDLE_MS };
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    throw new SamovarError('config', `cannot ${doing}: the kubeconfig gives no credentials: ${cause}`, {
      subject: server,
      remedy: 'Try `kubectl get --raw /readyz` with it. Plain http needs insecure-skip-tls-verify.',
      cause,
    });
  }
  // A token's file may end in a line end, which no header may hold.
  const headers = Object.entries(options.headers ?? {}).map(([key, value]) => [key, String(value).trim()]);
  return { server, options: { ...options, headers: Object.fromEntries(headers) as Record<string, string> } };
}

/** The package makes an agent for each call, so that no connection is used twice: one is kept here for as long as it would be the same. */
function createAgents() {
  let kept: { readonly key: string; readonly agent: HttpAgent } | undefined;
  return {
    of: (config: KubeConfig, options: RequestOptions): Pick<RequestOptions, 'agent'> => {
      const { agent, ca, cert, key, passphrase, servername } = options;
      const is = [ca, cert, key, passphrase, servername].map(String).join('\n');
      if (kept?.key !== is) {
        kept?.agent.destroy();
        kept = { key: is, agent: keepingAlive(agent as Agent, config) };
      }
      return { agent: kept.agent };
    },
    close: () => kept?.agent.destroy(),
  };
}

function keepingAlive(agent: Agent, config: KubeConfig): HttpAgent {
  const cluster = config.getCurrentCluster();
  // A proxy's agent connects in its own way.
  if (cluster?.proxyUrl) return agent;
  const options = { ...agent.options, keepAlive: true, timeout: IDLE_MS };
  return cluster?.server.startsWith('http:') ? new HttpAgent(options) : new Agent(options);
}

function request(
  server: string,
  { method, path, body, contentType = 'application/json' }: Sending,
  options: RequestOptions,
  stop: Stop,
): Promise<IncomingMessage> {
  const url = new URL(server + path);
  const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers = {
    ...(options.headers as Record<string, string>),
    accept: 'application/json',
    'user-agent': 'samovar',
    ...(text && { 'content-type': contentType, 'content-length': String(text.length) }),
  };
  const send = url.protocol === 'http:' ? requestHttp : requestHttps;
  return new Promise((resolve, reject) => {
    const sent = send(url, { ...options, method, headers, signal: stop.signal }, resolve);
    sent.on('error', reject);
    // A peer that is gone without a word is found out, also in a watch that has nothing to tell.
    sent.on('socket', (socket) => socket.setKeepAlive(true, IDLE_MS));
    sent.end(text);
  });
}

async function bodyOf(response: IncomingMessage, doing: string, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax)
      throw new SamovarError('too-large', `cannot ${doing}: the answer is more than ${bytesMax} bytes`, {
        subject: doing,
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function answerOf({ doing }: Sending, response: IncomingMessage, body: string): Answer {
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) {
    const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
    const waits = Number.isFinite(seconds) && seconds >= 0;
    return { status, value: undefined, said: saidIn(body), ...(waits && { retryAfterMs: seconds * 1000 }) };
  }
  try {
    return { status, value: JSON.parse(body), said: {} };
  } catch (cause) {
    throw Object.assign(malformed(doing, `the answer is no JSON: ${JSON.stringify(body.slice(0, 100))}`), {
      cause,
    });
  }
}

interface Stop {
  readonly signal: AbortSignal;
  /** The promise, or the reason of the stop if that is sooner. */
  unless<T>(promise: Promise<T>): Promise<T>;
  /** The error that the caller sees: the reason of the stop, if there was one. */
  explain(error: unknown): Error;
  /** From now on another deadline. */
  extend(ms: number): void;
  end(): void;
}

/** Stops at the deadline, at the caller's wish, or when the cluster is closed. */
function stopOf(signals: readonly (AbortSignal | undefined)[], doing: string, timeoutMs: number): Stop {
  const controller = new AbortController();
  const late = (ms: number) => setTimeout(() => controller.abort(tooLate(doing, ms)), ms);
  const onAbort = () => controller.abort(stopped(doing));
  let timer = late(timeoutMs);
  for (const signal of signals) {
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
  }
  const { signal } = controller;
  return {
    signal,
    unless: (promise) => race(promise, signal),
    explain: (error) => {
      if (signal.aborted) return signal.reason as Error;
      return error instanceof SamovarError ? error : broken(doing, error);
    },
    extend: (ms) => {
      clearTimeout(timer);
      timer = late(ms);
    },
    end: () => {
      clearTimeout(timer);
      for (const each of signals) each?.removeEventListener('abort', onAbort);
    },
  };
}

function race<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
