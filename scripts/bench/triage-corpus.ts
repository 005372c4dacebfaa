import { randomFor } from '../../pipeline/demo/random.ts';

/** One build of a job that fails for one known reason: the job's name is the reason's, which clustering never looks at. */
export interface KnownBuild {
  readonly job: string;
  readonly finishedS: number;
  readonly failures: readonly { readonly test: string; readonly text: string }[];
}

export interface KnownCorpus {
  readonly failures: number;
  readonly reasons: number;
  readonly seed: number;
  readonly endS: number;
}

const FAILURES_PER_BUILD = 5;
const TESTS = 800;
const WORDS = 4_000;
const FRAMES = 1_500;
const DAYS = 14;
const DAY_S = 86_400;

/**
 * Failures of known reasons: each has a message and a stack of its own out of words and frames that all share, with ids, addresses,
 * times and numbers that differ every time, and in half of the failures a few words in a hundred that are others, as names are.
 */
export function* knownBuilds({ failures, reasons, seed, endS }: KnownCorpus): Generator<KnownBuild> {
  const random = randomFor('triage', seed).next;
  const pick = (below: number) => Math.floor(random() * below);
  const words = Array.from({ length: WORDS }, () => wordOf(random));
  const frames = Array.from({ length: FRAMES }, () => {
    const [pkg, func, file] = [0, 0, 0].map(() => words[pick(WORDS)] ?? '');
    return `example.test/${pkg}.${func}(0xHEX, 0xHEX)\n\t/go/src/${pkg}/${file}.go:NNN +0xHEX`;
  });
  const known = Array.from({ length: reasons }, (_, at) => {
    const message = Array.from({ length: 12 + pick(30) }, () => words[pick(WORDS)] ?? '');
    const stack = Array.from({ length: pick(3) === 0 ? 0 : 3 + pick(20) }, () => frames[pick(FRAMES)] ?? '');
    const head = `TIME error at ADDR: ${message.join(' ')} pod-UUID after NNN.5s`;
    const tests = Array.from({ length: 1 + pick(6) }, () => pick(TESTS));
    return { job: `ci-reason-${at}`, text: [head, ...stack].join('\n'), tests };
  });
  const builds = Math.ceil(failures / FAILURES_PER_BUILD);
  for (let at = 0; at < builds; at += 1) {
    // Some reasons are seen often, most of them rarely.
    const reason = known[at < reasons ? at : Math.floor(random() ** 2 * reasons)] ?? known[0];
    if (reason === undefined) return;
    const count = Math.min(FAILURES_PER_BUILD, failures - at * FAILURES_PER_BUILD);
    yield {
      job: reason.job,
      finishedS: endS - DAYS * DAY_S + Math.floor(((at + 1) / (builds + 1)) * DAYS * DAY_S),
      failures: Array.from({ length: count }, () => {
        const test = reason.tests[pick(reason.tests.length)] ?? 0;
        const name = `[sig-${['node', 'network', 'storage', 'apps'][test % 4]}] suite ${test} should work`;
        return {
          test: name,
          text: filled(random() < 0.5 ? reason.text : varied(reason.text, random), random),
        };
      }),
    };
  }
}

/** Every slot gets a value of its own. */
function filled(text: string, random: () => number): string {
  const hex = (digits: number) =>
    Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
  const number = (below: number) => Math.floor(random() * below);
  return text
    .replace(/HEX/g, () => hex(8))
    .replace(/UUID/g, () => [8, 4, 4, 4, 12].map(hex).join('-'))
    .replace(/ADDR/g, () => `10.${number(256)}.${number(256)}.${number(256)}:${1024 + number(60_000)}`)
    .replace(
      /TIME/g,
      () => `2026-11-${10 + number(19)}T${10 + number(14)}:${10 + number(50)}:${10 + number(50)}Z`,
    )
    .replace(/NNN/g, () => String(10 + number(900)));
}

/** A word in fifty is another. */
function varied(text: string, random: () => number): string {
  return text.replace(/[a-z]{4,}/g, (word) => (random() < 0.02 ? wordOf(random) : word));
}

function wordOf(random: () => number): string {
  const letters = 'abcdefghiklmnoprstuvwy';
  return Array.from({ length: 4 + Math.floor(random() * 7) }, () =>
    letters.charAt(Math.floor(random() * letters.length)),
  ).join('');
}
