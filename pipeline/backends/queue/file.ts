import { stat } from 'node:fs/promises';
import { basename, relative, resolve, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { SamovarError } from '../../errors.ts';
import { generationOf, TEMPORARY_PREFIX } from '../bucket/file-generation.ts';
import type { BucketEvent, Queue, QueueDriverOptions, ReceiveOptions } from './contract.ts';
import { createDelivery, type Delivery } from './file-delivery.ts';

/**
 * A folder that is a bucket, watched: every file that is created or replaced is an event. Nothing is kept between runs; what
 * happened before `onReady` is for a listing to find.
 */
export function openFileQueue(url: string, folder: string, options: QueueDriverOptions): Queue {
  const root = resolve(folder);
  let watcher: FSWatcher | undefined;
  return {
    url,
    deadLetterPolicy: async () => undefined,
    receive: async (receive) => {
      await assertFolder(url, root);
      const delivery = createDelivery(receive);
      watcher = watch(root, {
        ignoreInitial: true,
        followSymlinks: false,
        ignored: (path) => basename(path).startsWith(TEMPORARY_PREFIX),
      });
      await deliver({ url, root, options, receive, delivery, watcher });
    },
    close: async () => {
      await watcher?.close();
    },
  };
}

interface Watching {
  readonly url: string;
  readonly root: string;
  readonly options: QueueDriverOptions;
  readonly receive: ReceiveOptions;
  readonly delivery: Delivery;
  readonly watcher: FSWatcher;
}

function deliver(watching: Watching): Promise<void> {
  const { receive, delivery, watcher } = watching;
  return new Promise<void>((resolveEnd) => {
    const end = () => {
      delivery.stop();
      watcher.close().then(resolveEnd, resolveEnd);
    };
    const onFile = (path: string) => void tell(watching, path);
    watcher
      .on('ready', () => receive.onReady?.())
      .on('add', onFile)
      .on('change', onFile)
      .on('error', (error) => receive.onTrouble?.(watchError(watching.url, error)));
    if (receive.signal.aborted) end();
    else receive.signal.addEventListener('abort', end, { once: true });
  });
}

/** A file that is gone again when its generation is asked for is no news. */
async function tell({ url, root, options, receive, delivery }: Watching, path: string): Promise<void> {
  const object = relative(root, path).split(sep).join('/');
  try {
    const stats = await stat(path, { bigint: true });
    if (!stats.isFile()) return;
    const event: BucketEvent = {
      type: 'finalized',
      bucketUrl: url,
      object,
      generation: generationOf(stats),
      publishedMs: options.nowMs(),
    };
    if (!delivery.offer(event)) receive.onTrouble?.(overflow(url));
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'ENOENT') receive.onTrouble?.(watchError(url, error));
  }
}

async function assertFolder(url: string, root: string): Promise<void> {
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw new SamovarError('missing', `${url}: there is no such folder to watch`, {
    subject: url,
    remedy: 'Make the folder, or correct the bucket in the buckets file.',
  });
}

function watchError(url: string, cause: unknown): SamovarError {
  const full = ['ENOSPC', 'EMFILE'].includes(String((cause as { readonly code?: unknown }).code));
  return new SamovarError(
    'unavailable',
    `${url}: part of the folder cannot be watched; a listing finds what is missed`,
    {
      subject: url,
      ...(full && {
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
    {
      subject: url,
    },
  );
}
