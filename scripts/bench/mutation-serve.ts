import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import grpc from '@grpc/grpc-js';
import Database from 'better-sqlite3';
import protobuf from 'protobufjs';
import type { ListIssuesRequest } from '../../pipeline/serve/messages.ts';
import { type GrpcMethod, loadProto, serviceDefinition } from '../../pipeline/serve/proto.ts';
import { SERVE_SCRIPT } from './mutation-serve-child.ts';

const KEY_UNIT = 2 ** 32;

export interface ServeFigures {
  readonly clients: number;
  readonly pageSize: number;
  readonly requests: number;
  readonly answerBytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of the server, for one request. */
  readonly cpuMs: number;
  readonly rssBeforeBytes: number;
  readonly rssAfterBytes: number;
  /** The same pages as SQLite gives them, nothing made of them. */
  readonly rawP50Ms: number;
  readonly rawP99Ms: number;
}

interface Told {
  readonly address: string;
  readonly rssBytes: number;
  readonly cpuS: number;
}

/** ListIssues with comments and reviews over loopback: pages one after the other, each client through the whole list, from its own place. */
export async function benchServe(
  db: string,
  {
    clients,
    pageSize,
    requests,
  }: { readonly clients: number; readonly pageSize: number; readonly requests: number },
): Promise<ServeFigures> {
  const child = fork(SERVE_SCRIPT, [db], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    const first = await told(child);
    const list = await listIssues(first.address);
    await walk(list, pageSize, Math.min(50, requests));
    const before = await ask(child);
    const walks = await Promise.all(
      Array.from({ length: clients }, () => walk(list, pageSize, Math.ceil(requests / clients))),
    );
    const after = await ask(child);
    const tookMs = walks.flatMap((one) => one.tookMs);
    const raw = rawPages(db, pageSize, Math.min(requests, 500));
    return {
      ...{ clients, pageSize, requests: tookMs.length },
      answerBytes: walks.reduce((sum, { bytes }) => sum + bytes, 0),
      ...{ p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99), maxMs: quantile(tookMs, 1) },
      cpuMs: ((after.cpuS - before.cpuS) * 1000) / tookMs.length,
      ...{ rssBeforeBytes: before.rssBytes, rssAfterBytes: after.rssBytes },
      ...{ rawP50Ms: quantile(raw, 0.5), rawP99Ms: quantile(raw, 0.99) },
    };
  } finally {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

async function told(child: ChildProcess): Promise<Told> {
  const [message] = (await once(child, 'message')) as [Told];
  return message;
}

function ask(child: ChildProcess): Promise<Told> {
  child.send('how much');
  return told(child);
}

type List = (
  request: ListIssuesRequest,
) => Promise<{ readonly nextPageToken: string | undefined; readonly bytes: number }>;

/** Of an answer only the token is read: what else a client makes of it is its own time, and eight of them share one thread here. */
async function listIssues(address: string): Promise<List> {
  const { ListIssues: method } = serviceDefinition(await loadProto(), 'drghs.v1.IssueService');
  if (method === undefined) throw new Error('there is no ListIssues');
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const { path, requestSerialize } = method as GrpcMethod;
  const bytesOf = (bytes: Buffer) => bytes;
  return (request) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, bytesOf, request, (error, bytes) => {
        if (error !== null || bytes === undefined) return reject(error ?? new Error('no answer'));
        resolve({ nextPageToken: tokenIn(bytes), bytes: bytes.length });
      });
    });
}

async function walk(list: List, pageSize: number, requests: number) {
  const tookMs: number[] = [];
  let bytes = 0;
  let pageToken: string | undefined;
  for (let n = 0; n < requests; n += 1) {
    const began = performance.now();
    const page = await list({
      ...{ parent: 'repositories/o/r', comments: true, reviews: true, pageSize },
      ...(pageToken !== undefined && { pageToken }),
    });
    tookMs.push(performance.now() - began);
    bytes += page.bytes;
    pageToken = page.nextPageToken;
  }
  return { tookMs, bytes };
}

const NEXT_PAGE_TOKEN = 2;

function tokenIn(bytes: Buffer): string | undefined {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === NEXT_PAGE_TOKEN) return reader.string();
    reader.skipType(tag & 7);
  }
  return undefined;
}

function rawPages(file: string, pageSize: number, pages: number): readonly number[] {
  const db = new Database(file, { readonly: true });
  try {
    const issues = db.prepare<[number, number], { key: number }>(
      'SELECT i.*, t.text FROM corpus_issue AS i LEFT JOIN corpus_text AS t ON t.issue = i.key WHERE i.key > ? ORDER BY i.key LIMIT ?',
    );
    const parts = db.prepare('SELECT kind, data FROM corpus_part WHERE issue = ?');
    let after = KEY_UNIT;
    return Array.from({ length: pages }, () => {
      const began = performance.now();
      const rows = issues.all(after, pageSize);
      for (const { key } of rows) parts.all(key);
      after = rows.at(-1)?.key ?? KEY_UNIT;
      return performance.now() - began;
    });
  } finally {
    db.close();
  }
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN;
}
