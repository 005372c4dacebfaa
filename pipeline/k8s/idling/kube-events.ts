import { describeError } from '../../errors.ts';
import { KINDS } from '../cluster.ts';
import { type Hands, isCode } from './change.ts';
import type { Workload } from './workload.ts';

export interface Happened {
  /** One word, as `kubectl get events` shows it. */
  readonly reason: 'Idled' | 'Unidling' | 'Unidled' | 'UnidleFailed';
  readonly message: string;
}

export interface KubeEvents {
  /** Writes an Event of each workload. Never throws, and is over within `timeoutMs`. */
  note(workloads: readonly Workload[], happened: Happened): Promise<void>;
}

export interface KubeEventsOptions {
  /** Who says it: `samovar-unidler`. */
  readonly component: string;
  readonly timeoutMs: number;
  readonly log: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

const MESSAGE_LENGTH_MAX = 1_000;
const NAME_LENGTH_MAX = 200;

/** For people who look with kubectl. A role without them is told of once, and then left alone. */
export function createKubeEvents(options: KubeEventsOptions, hands: Hands): KubeEvents {
  const { component, log } = options;
  let isDenied = false;
  let count = 0;
  const create = async (workload: Workload, happened: Happened) => {
    count += 1;
    const unique = `${count.toString(16)}-${Math.floor(hands.random() * 2 ** 32).toString(16)}`;
    const said = { ...happened, component, nowMs: hands.nowMs(), unique };
    const signal = AbortSignal.any([hands.signal, AbortSignal.timeout(options.timeoutMs)]);
    try {
      await hands.cluster.create(KINDS.event, eventOf(workload, said), { signal });
    } catch (error) {
      if (hands.signal.aborted || isDenied) return;
      isDenied = isCode(error, 'denied');
      log('an Event could not be written', { reason: describeError(error) });
    }
  };
  return {
    note: async (workloads, happened) => {
      if (!isDenied) await Promise.all(workloads.map((each) => create(each, happened)));
    },
  };
}

interface Said extends Happened {
  readonly component: string;
  readonly nowMs: number;
  /** Of this process, and by chance of all. */
  readonly unique: string;
}

function eventOf({ kind, object }: Workload, { component, nowMs, unique, ...happened }: Said) {
  const { name, namespace = '', uid } = object.metadata;
  const at = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const [start = ''] = /^[a-z0-9.-]*[a-z0-9]/.exec(name.slice(0, NAME_LENGTH_MAX)) ?? [];
  return {
    metadata: { name: `${start}.${nowMs.toString(16)}-${unique}`, namespace },
    involvedObject: {
      ...{ apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind, name, namespace },
      ...(uid !== undefined && { uid }),
    },
    reason: happened.reason,
    message: happened.message.slice(0, MESSAGE_LENGTH_MAX),
    type: happened.reason === 'UnidleFailed' ? 'Warning' : 'Normal',
    source: { component },
    ...{ firstTimestamp: at, lastTimestamp: at, count: 1 },
    ...{ reportingComponent: component, reportingInstance: '' },
  };
}
