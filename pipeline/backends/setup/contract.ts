/** What `samovar setup` works through: one thing that must be there, in one place. */

/** What a look at a thing found. */
export type Finding =
  | { readonly state: 'there' }
  | { readonly state: 'missing' }
  /** It is there, and not as wanted. `mendable`: `apply` changes it. */
  | { readonly state: 'differs'; readonly detail: string; readonly mendable: boolean }
  /** Not to be done or not to be seen from here: the command that somebody who may can run. */
  | { readonly state: 'by-hand'; readonly command: string };

export interface SetupStep {
  /** `topic projects/p/topics/builds` */
  readonly what: string;
  /** Looks, and changes nothing. */
  look(): Promise<Finding>;
  /** Makes it, or changes it into what is wanted. Never takes anything away. Safe to repeat. */
  apply(): Promise<void>;
}
