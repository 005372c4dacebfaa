/** What the bot answers, for any front end. */
export interface Reply {
  /** shown: a dry run. waiting: for approval, or for the requester to confirm. answer: something that was asked. */
  readonly state: 'done' | 'unchanged' | 'shown' | 'waiting' | 'answer';
  readonly lines: readonly string[];
  /** As `diff -u` shows it. */
  readonly diff?: string;
  readonly commit?: string;
  /** Of the pull request. */
  readonly url?: string;
  readonly branch?: string;
  /** Of what waits: by it it is approved, rejected or confirmed. */
  readonly waiting?: { readonly id: string; readonly for: 'approval' | 'confirmation' };
}

export function answer(lines: readonly string[]): Reply {
  return { state: 'answer', lines };
}
