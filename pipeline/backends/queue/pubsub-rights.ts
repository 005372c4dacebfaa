import type { Subscription, Topic } from '@google-cloud/pubsub';
import type { SetupStep } from '../setup/contract.ts';

/** Emulators know no rights. */
const UNIMPLEMENTED = 12;
/** Of a topic that is still to be made. */
const NOT_FOUND = 5;

export interface PubSubSetup {
  readonly project: string;
  readonly topic: string;
  readonly subscription: string;
  /** Who writes to the topic: the service agents of the buckets' projects. */
  readonly publishers: readonly string[];
  /** Pub/Sub's own service agent, which moves messages to the dead-letter topic; undefined where its number is not known. */
  readonly agent: string | undefined;
  /** Who follows the subscription; undefined: nobody is given the right. */
  readonly subscriber: string | undefined;
}

export interface SetupSteps {
  readonly steps: readonly SetupStep[];
  close(): Promise<void>;
}

/** Runs a request within its deadline, and throws its errors as ours. */
export type Call = <T>(what: string, work: () => Promise<T>) => Promise<T>;
type Kind = 'topics' | 'subscriptions';

/** Adds a member to a role, and takes nothing away; the policy's etag keeps two writers apart. */
export function roleStep(
  call: Call,
  kind: Kind,
  on: Topic | Subscription,
  role: string,
  member: string,
): SetupStep {
  const read = async () => (await on.iam.getPolicy())[0];
  const manual = byHand(kind, on, role, member);
  return {
    what: manual.what,
    look: () =>
      call('looking at rights', async () => {
        try {
          const { bindings } = await read();
          if (bindings?.some((one) => one.role === role && one.members?.includes(member)))
            return { state: 'there' };
          // A policy with conditions would lose them when it is written back in this form.
          return bindings?.some(({ condition }) => condition) ? manual.look() : { state: 'missing' };
        } catch (error) {
          const { code } = error as { readonly code?: unknown };
          if (code === UNIMPLEMENTED) return manual.look();
          if (code === NOT_FOUND) return { state: 'missing' };
          throw error;
        }
      }),
    apply: () =>
      call('giving a right', async () => {
        const policy = await read();
        await on.iam.setPolicy({
          ...policy,
          bindings: [...(policy.bindings ?? []), { role, members: [member] }],
        });
      }),
  };
}

/** A right that somebody else must give: the command for it. */
export function byHand(kind: Kind, on: Topic | Subscription, role: string, member: string): SetupStep {
  const command = `gcloud pubsub ${kind} add-iam-policy-binding ${on.name} --role=${role} --member="${member}"`;
  return {
    what: `${role} on ${on.name} for ${member}`,
    look: async () => ({ state: 'by-hand', command }),
    apply: async () => undefined,
  };
}
