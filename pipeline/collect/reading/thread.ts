import { parentPort } from 'node:worker_threads';
import { SamovarError } from '../../errors.ts';
import { packRowSync } from '../../records/chunk.ts';
import { isGzip } from '../../records/junit/gunzip.ts';
import { readBody, readWhole } from '../junit.ts';
import type { FileName, ReadBuild } from './contract.ts';
import { createFeed, type Feed } from './feed.ts';
import { createReading, type LocalReading } from './local.ts';
import type { Answer, Ask, Failure } from './messages.ts';

/** A reading thread: parses and packs what it is given, and says when it is done with it. Sends no request and opens no file. */
function serve(port: NonNullable<typeof parentPort>): void {
  const builds = new Map<number, LocalReading>();
  const feeds = new Map<number, Feed>();
  const answer = (message: Answer, give: readonly ArrayBuffer[] = []) => port.postMessage(message, [...give]);
  const taken = (id: number, error?: unknown) =>
    answer({ kind: 'taken', id, failed: error === undefined ? undefined : failureOf(error) });
  const readingOf = (build: number) => {
    const known = builds.get(build) ?? createReading(async (line) => packRowSync(line));
    builds.set(build, known);
    return known;
  };

  /** A file that comes in one piece, as most do, is read without waiting for anything. */
  const readAtOnce = (build: number, id: number, file: FileName, bytes: Uint8Array) => {
    try {
      readingOf(build).keep(readWhole(file, bytes));
      taken(id);
    } catch (error) {
      taken(id, error);
    }
  };
  const begin = (build: number, id: number, file: FileName): Feed => {
    const reading = readingOf(build);
    const feed = createFeed(() => taken(id));
    feeds.set(id, feed);
    readBody(file, feed.body)
      .then((read) => {
        reading.keep(read);
        taken(id);
      })
      .catch((error: unknown) => {
        if (!feed.dropped()) taken(id, error);
      })
      .finally(() => feeds.delete(id));
    return feed;
  };
  const finish = async (build: number, ask: Extract<Ask, { kind: 'finish' }>) => {
    try {
      const made = await readingOf(build).finish(ask.head);
      const result = withOwnBytes(made);
      answer({ kind: 'made', build, result, failed: undefined }, bytesOf(result));
    } catch (error) {
      answer({ kind: 'made', build, result: undefined, failed: failureOf(error) });
    } finally {
      builds.delete(build);
    }
  };

  port.on('message', (ask: Ask) => {
    const { build } = ask;
    if (ask.kind === 'finish') void finish(build, ask);
    else if (ask.kind === 'discard') builds.delete(build);
    else if (ask.kind === 'drop') feeds.get(ask.id)?.drop();
    else if (ask.begins !== undefined && ask.last && !isGzip(ask.bytes))
      readAtOnce(build, ask.id, ask.begins, ask.bytes);
    else {
      const feed = ask.begins === undefined ? feeds.get(ask.id) : begin(build, ask.id, ask.begins);
      if (feed === undefined)
        taken(ask.id, new SamovarError('internal', 'a block came of a file that is not read'));
      else feed.push(ask.bytes, ask.last);
    }
  });
}

function failureOf(error: unknown): Failure {
  const code = error instanceof SamovarError ? error.code : 'internal';
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { code, message, stack };
}

/** What is given away must own its memory: a part of a larger block would take all of it along. */
function withOwnBytes({ row, files }: ReadBuild): ReadBuild {
  return {
    row: { ...row, data: owned(row.data) },
    files: files.map(({ record, raw }) => ({ record, raw: { ...raw, data: owned(raw.data) } })),
  };
}

function owned(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function bytesOf({ row, files }: ReadBuild): readonly ArrayBuffer[] {
  return [row.data, ...files.map(({ raw }) => raw.data)].map(({ buffer }) => buffer as ArrayBuffer);
}

if (parentPort !== null) serve(parentPort);
