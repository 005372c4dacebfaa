import { createHash } from 'node:crypto';
import { raw } from 'hono/html';
import type { CacheApiOptions } from '../options.ts';
import type { Html } from './layout.ts';
import { liveView } from './live.ts';

/** Made at most so often, however many look. */
const KEEP_MS = 1_000;

/** The changing part of the page. */
export interface Fragment {
  readonly body: string;
  /** The same, for a page around it. */
  readonly html: Html;
  readonly etag: string;
}

export interface Fragments {
  show(mayAct: boolean): Promise<Fragment>;
  /** After a deed: what is shown next has it. */
  forget(): void;
}

export function createFragments({ cache, nowMs }: Pick<CacheApiOptions, 'cache' | 'nowMs'>): Fragments {
  const kept = new Map<boolean, { readonly atMs: number; readonly made: Promise<Fragment> }>();
  const make = async (mayAct: boolean, atMs: number): Promise<Fragment> => {
    const body = String(await liveView(cache, { nowMs: atMs, mayAct }));
    const hash = createHash('sha256').update(body).digest('base64url');
    return { body, html: raw(body), etag: `"${hash.slice(0, 22)}"` };
  };
  return {
    show: (mayAct) => {
      const atMs = nowMs();
      const last = kept.get(mayAct);
      if (last !== undefined && Math.abs(atMs - last.atMs) < KEEP_MS) return last.made;
      const made = make(mayAct, atMs);
      kept.set(mayAct, { atMs, made });
      // What failed is not kept.
      made.catch(() => kept.delete(mayAct));
      return made;
    },
    forget: () => kept.clear(),
  };
}
