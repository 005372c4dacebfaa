import pLimit from 'p-limit';
import type { Hands } from '../idling/change.ts';
import { isCode } from '../idling/change.ts';
import { idledOf } from '../idling/marks.ts';
import { replicasOf } from '../idling/workload.ts';
import { type FindOptions, findApp, isIdled } from './find.ts';

/** `waking`: somebody began it, and it is not over. `unknown`: no app of the cluster has this host. */
export type State = 'idle' | 'waking' | 'live' | 'unknown';

export interface Looker {
  /** Throws what the cluster throws. */
  stateOf(host: string): Promise<State>;
}

export interface LookOptions extends FindOptions {
  /** Hosts are anybody's to name: an answer is good for so long, in milliseconds. */
  readonly keptMs: number;
  readonly hostsMax: number;
  readonly atOnce: number;
}

/** Looks without touching anything. */
export function createLooker(options: LookOptions, hands: Hands): Looker {
  const limit = pLimit(options.atOnce);
  const kept = new Map<string, { readonly untilMs: number; readonly state: Promise<State> }>();
  return {
    stateOf: (host) => {
      const nowMs = hands.nowMs();
      for (const [key, { untilMs }] of kept)
        if (untilMs <= nowMs || kept.size >= options.hostsMax) kept.delete(key);
        else break;
      const known = kept.get(host);
      if (known !== undefined && known.untilMs > nowMs) return known.state;
      const state = limit(() => look(host, options, hands));
      kept.set(host, { untilMs: nowMs + options.keptMs, state });
      // A failure is not to be kept.
      state.catch(() => kept.delete(host));
      return state;
    },
  };
}

async function look(host: string, options: LookOptions, hands: Hands): Promise<State> {
  try {
    const app = await findApp(host, options, hands);
    if (!isIdled(app, options.externalName)) return 'live';
    const sleeping = app.workloads.filter(({ object }) => idledOf(object) !== undefined);
    const isBegun = sleeping.length === 0 || sleeping.some(({ object }) => replicasOf(object) > 0);
    return isBegun ? 'waking' : 'idle';
  } catch (error) {
    if (isCode(error, 'missing')) return 'unknown';
    throw error;
  }
}
