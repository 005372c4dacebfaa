import type { Label, Milestone, User } from '../records/mutation/types.ts';

/** Who is there, and what is talked about, in the demo's repositories. */
export interface DemoRepo {
  readonly owner: string;
  readonly name: string;
  readonly issues: number;
  readonly maintainers: readonly User[];
  readonly areas: readonly string[];
}

const user = (id: number, login: string): User => ({ id: BigInt(id), login });

export const AUTHORS = ['adaw', 'bekim', 'chidi', 'dora-l', 'eitan', 'farah', 'goran', 'hana'].map(
  (login, at) => user(700_001 + at, login),
);
export const BOT = user(49_699_333, 'samovar-ci[bot]');

/** Ids beyond 32 bits, as GitHub's are: what cannot hold them shows. */
export const FIRST_ID = 3_000_000_000n;

export const REPOS: readonly DemoRepo[] = [
  {
    owner: 'samovar-demo',
    name: 'kettle',
    issues: 140,
    maintainers: [user(700_101, 'marta'), user(700_102, 'nils-o'), user(700_103, 'priya')],
    areas: [
      'the collector',
      'retries',
      'the junit parser',
      'the progress line',
      'BigQuery loads',
      'the docs',
    ],
  },
  {
    owner: 'samovar-demo',
    name: 'teapot',
    issues: 60,
    maintainers: [user(700_102, 'nils-o'), user(700_104, 'quentin')],
    areas: ['the spout', 'HTTP 418', 'the lid', 'the handle', 'the strainer'],
  },
];

export const PRIORITIES = ['priority: p0', 'priority: p1', 'priority: p2'].map((name, at) =>
  label(at + 1, name),
);
export const KINDS = ['bug', 'enhancement', 'question'].map((name, at) => label(at + 11, name));
export const NEEDS_INFO = label(21, 'needs more info');
export const LABELS: readonly Label[] = [...PRIORITIES, ...KINDS, NEEDS_INFO];

export const MILESTONES: readonly Milestone[] = [
  { id: 901n, title: 'v1.0', number: 1n, closed: { val: true } },
  { id: 902n, title: 'v1.1', number: 2n, closed: { val: false } },
];

function label(id: number, name: string): Label {
  return { id: BigInt(1000 + id), name };
}

export const TITLES: readonly string[] = [
  '{area}: crash when the input is empty',
  '{area} is slow with many files',
  'Support proxies in {area}',
  '{area} shows the wrong total',
  'How do I configure {area}?',
  'Flaky test of {area}',
  '{area}: unclear error message',
  'Regression in {area} since v1.0',
];

export const PULL_TITLES: readonly string[] = [
  'Fix a race in {area}',
  'Make {area} retry on 503',
  'Test {area} on slow disks',
  'Say what went wrong in {area}',
];

export const BODIES: readonly string[] = [
  'Seen on version 1.0 on Linux. Steps:\n\n1. start it\n2. wait for ten minutes\n3. look at the log',
  'It works the first time and never after that.',
  'The output is attached. I would expect one line, and there are two.',
  'Happy to send a patch if somebody tells me where to look.',
];

export const ANSWERS: readonly string[] = [
  'Thanks for the report! Which version is it?',
  'I can reproduce this.',
  'This is fixed on the main branch; please try again.',
  'Could you attach the log?',
  'Good catch. The check is in the wrong place.',
];

export const REPLIES: readonly string[] = [
  'It is 1.0.3.',
  'Still there with the newest one.',
  'That did it, thank you.',
  'Log attached.',
];
