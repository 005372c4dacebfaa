import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { SamovarError } from '../../errors.ts';
import { generationOf } from '../bucket/file-generation.ts';
import type { Queue, QueueDriverOptions, ReceiveOptions } from './contract.ts';
import { createDelivery } from './file-delivery.ts';
import { watchFolder } from './file-watch.ts';

/** Events left out between two complaints. */
const TROUBLE_EVERY = 10_000;

/**
 * A folder that is a bucket, watched: every file that is created or replaced is an event. Nothing is kept between runs; what
 * happened before `onReady` is for a listing to find, and so is what was delivered and not acknowledged when a run ended.
 */
export function openFileQueue(url: string, folder: string, options: QueueDriverOptions): Queue {
  const root = resolve(folder);
  const closed = new AbortController();
  let receiving: Promise<void> | undefined;
  return {
    url,
    deadLetterPolicy: async () => {
      await assertFolder(url, root);
      return undefined;
    },
    receive: (receive) => {
      const signal = AbortSignal.any([receive.signal, closed.signal]);
      receiving = follow({ url, root, options, receive: { ...receive, signal } });
      return receiving;
    },
    close: async () => {
      closed.abort();
      await receiving?.catch(() => undefined);
    },
  };
}

interface Following {
  readonly url: string;
  readonly root: string;
  readonly options: QueueDriverOptions;
  readonly receive: ReceiveOptions;
}

async function follow({ url, root, options, receive }: Following): Promise<void> {
  const { signal, onReady, onTrouble } = receive;
  await assertFolder(url, root);
  const delivery = createDelivery(receive);
  let full = false;
  let leftOut = 0;
  const onError = (cause: unknown) => {
    // Once is enough: a system without watches says it for every folder.
    if (!full) onTrouble?.(watchError(url, cause));
    full ||= isFull(cause);
  };
  const onFile = (path: string, stats: BigIntStats) => {
    const taken = delivery.offer({
      type: 'finalized',
      bucketUrl: url,
      object: relative(root, path).split(sep).join('/'),
      generation: generationOf(stats),
      publishedMs: options.nowMs(),
    });
    if (taken) return;
    if (leftOut % TROUBLE_EVERY === 0) onTrouble?.(overflow(url));
    leftOut += 1;
  };
  const watching = watchFolder(root, {
    onFile,
    onReady: () => {
      if (!signal.aborted) onReady?.();
    },
    onError,
  });
  await aborted(signal);
  delivery.stop();
  await watching.close();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}

async function assertFolder(url: string, root: string): Promise<void> {
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw new SamovarError('missing', `${url}: there is no such folder to watch`, {
    subject: url,
    remedy: 'Make the folder, or correct the bucket in the buckets file.',
  });
}

const isFull = (cause: unknown) =>
  ['ENOSPC', 'EMFILE'].includes(String((cause as { readonly code?: unknown }).code));

function watchError(url: string, cause: unknown): SamovarError {
  return new SamovarError(
    'unavailable',
    `${url}: part of the folder cannot be watched; a listing finds what is missed`,
    {
      subject: url,
      ...(isFull(cause) && {
        remedy: 'Raise fs.inotify.max_user_watches and max_user_instances: each folder takes one watch.',
      }),
      cause,
    },
  );
}

function overflow(url: string): SamovarError {
  return new SamovarError(
    'throttled',
    `${url}: too many events are waiting; a listing finds those that are left out`,
    { subject: url },
  );
}
