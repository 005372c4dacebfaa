import { isRetryable, SamovarError } from '../errors.ts';
import type { Cluster, Kind, KubeObject } from './cluster.ts';

export interface InformerOptions {
  readonly cluster: Pick<Cluster, 'list' | 'watch'>;
  readonly kind: Kind;
  /** Undefined: of all namespaces. */
  readonly namespace?: string;
  readonly labels?: string;
  readonly fields?: string;
  /** After each change of what is known; `old` is what was known before. An error it throws ends the informer. */
  readonly onChange?: (change: ObjectChange) => void;
  /** Of each failure that is tried again, with the time until then. */
  readonly onRetry?: (error: unknown, delayMs: number) => void;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly delayMs?: { readonly min: number; readonly max: number };
}

export interface ObjectChange {
  readonly type: 'added' | 'modified' | 'deleted';
  readonly object: KubeObject;
  readonly old?: KubeObject;
}

export interface Informer {
  /** All that is there, as far as is known now. */
  objects(): readonly KubeObject[];
  get(name: string, namespace?: string): KubeObject | undefined;
  /** When everything has been seen once. Throws what `done` throws, and `aborted` if it ends before. */
  readonly synced: Promise<void>;
  /** When the signal has ended it. Throws only what trying again cannot mend: `config`, `refused`, and errors of `onChange`. */
  readonly done: Promise<void>;
}

const DELAY_MS = { min: 500, max: 30_000 };

/**
 * Keeps a copy of the objects of a kind: a list, then a watch that is resumed where it ended, and a new list when the server no longer
 * knows that version. The end of a watch says nothing; only what is listed or told of is known. Trouble that may pass, a missing right
 * among it, is tried again for ever, later each time.
 */
export function startInformer(options: InformerOptions): Informer {
  const known = new Map<string, KubeObject>();
  let tellSynced = () => {};
  let failSync = (_: unknown) => {};
  const synced = new Promise<void>((resolve, reject) => {
    tellSynced = resolve;
    failSync = reject;
  });
  const done = keep(known, options, () => tellSynced()).then(
    () => failSync(new SamovarError('aborted', `stopped before all ${options.kind.plural} were seen`)),
    (error: unknown) => {
      failSync(error);
      throw error;
    },
  );
  // Whoever does not wait for it is not to be ended by it.
  synced.catch(() => {});
  done.catch(() => {});
  return {
    objects: () => [...known.values()],
    get: (name, namespace) => known.get(keyOf({ metadata: { name, ...(namespace && { namespace }) } })),
    synced,
    done,
  };
}

function keyOf({ metadata: { name, namespace } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

async function keep(
  known: Map<string, KubeObject>,
  options: InformerOptions,
  onSynced: () => void,
): Promise<void> {
  const { signal, onChange } = options;
  const backoff = createBackoff(options);
  let thrown: { readonly error: unknown } | undefined;
  const tell = (change: ObjectChange) => {
    try {
      onChange?.(change);
    } catch (error) {
      thrown = { error };
      throw error;
    }
  };
  let version: string | undefined;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        version = await listInto(known, options, tell);
        onSynced();
      }
      for await (const event of options.cluster.watch(options.kind, {
        ...selection(options),
        version,
        signal,
      })) {
        version = event.object.metadata.resourceVersion ?? version;
        backoff.reset();
        if (event.type !== 'bookmark') note(known, tell, event.type, event.object);
      }
      // A server that ends every watch at once is not to be asked without a pause.
      await backoff.rest();
    } catch (error) {
      if (signal.aborted) return;
      if (thrown !== undefined || !mayPass(error)) throw error;
      if (error instanceof SamovarError && error.code === 'conflict') version = undefined;
      await backoff.pause(error);
    }
  }
}

function selection({ namespace, labels, fields, signal }: InformerOptions) {
  return {
    ...(namespace !== undefined && { namespace }),
    ...(labels !== undefined && { labels }),
    ...(fields !== undefined && { fields }),
    signal,
  };
}

/** `missing`: an API that is not served yet. `denied`: a right that somebody is about to give. `malformed`: a proxy's page. */
function mayPass(error: unknown): boolean {
  if (isRetryable(error)) return true;
  return error instanceof SamovarError && ['conflict', 'denied', 'missing', 'malformed'].includes(error.code);
}

type Tell = (change: ObjectChange) => void;

async function listInto(
  known: Map<string, KubeObject>,
  options: InformerOptions,
  tell: Tell,
): Promise<string> {
  const { items, version } = await options.cluster.list(options.kind, selection(options));
  const there = new Set(items.map(keyOf));
  for (const [key, object] of [...known]) if (!there.has(key)) note(known, tell, 'deleted', object);
  for (const object of items) note(known, tell, 'added', object);
  return version;
}

/** Says what it is to one who knows what is known: a list tells again what is old, a watch may. */
function note(
  known: Map<string, KubeObject>,
  tell: Tell,
  type: ObjectChange['type'],
  object: KubeObject,
): void {
  const key = keyOf(object);
  const old = known.get(key);
  if (type === 'deleted') {
    if (known.delete(key)) tell({ type, object, ...(old && { old }) });
    return;
  }
  if (old?.metadata.resourceVersion === object.metadata.resourceVersion && old !== undefined) return;
  // Between a list and the next, one may have gone and another of its name come.
  if (old !== undefined && old.metadata.uid !== object.metadata.uid) note(known, tell, 'deleted', old);
  known.set(key, object);
  if (old === undefined || old.metadata.uid !== object.metadata.uid) tell({ type: 'added', object });
  else tell({ type: 'modified', object, old });
}

function createBackoff({ sleep, random, signal, onRetry, delayMs = DELAY_MS }: InformerOptions) {
  let failures = 0;
  const wait = (ms: number) =>
    sleep(ms, signal).catch((cause: unknown) => {
      if (!signal.aborted) throw cause;
    });
  return {
    reset: () => {
      failures = 0;
    },
    rest: () => wait(delayMs.min * random()),
    pause: (error: unknown) => {
      const afterMs = error instanceof SamovarError ? (error.retryAfterMs ?? 0) : 0;
      const ceilingMs = Math.min(delayMs.min * 2 ** Math.min(failures, 20), delayMs.max);
      failures += 1;
      // Many informers that lost one server are not to come back at one time.
      const waitMs = Math.max(ceilingMs * (0.5 + random() / 2), afterMs);
      onRetry?.(error, waitMs);
      return wait(waitMs);
    },
  };
}
