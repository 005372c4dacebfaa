import { randomFor } from '../../../pipeline/demo/random.ts';

/** What a job of the corpus runs: a few unit tests in one file, or an end-to-end suite spread over many. */
export type JobKind = 'unit' | 'integration' | 'e2e';

export interface CorpusJob {
  readonly name: string;
  readonly kind: JobKind;
  readonly isPresubmit: boolean;
  /** How many cases each of its JUnit files has. */
  readonly casesPerFile: readonly number[];
  /** Share of cases that are skipped. */
  readonly skippedShare: number;
}

const KINDS: readonly JobKind[] = [
  'unit',
  'unit',
  'integration',
  'unit',
  'e2e',
  'unit',
  'unit',
  'integration',
  'unit',
  'e2e',
];

/** Ginkgo 2 writes one file, Ginkgo 1 one for each of its parallel nodes. */
const E2E_FILES: readonly number[] = [1, 1, 2, 3, 25, 1, 8, 2];

/** Every job of a corpus. Of ten jobs about six run unit tests, two integration tests, two an end-to-end suite. */
export function corpusJobs(seed: number, count: number): readonly CorpusJob[] {
  return Array.from({ length: count }, (_, index) => corpusJob(seed, index));
}

function corpusJob(seed: number, index: number): CorpusJob {
  const random = randomFor(seed, 'job', index);
  const kind = KINDS[index % KINDS.length] ?? 'unit';
  // 38 % of builds are presubmits; builds are spread evenly over jobs, so 15 of 40 jobs are.
  const isPresubmit = (index * 3) % 8 < 3;
  const number = String(index).padStart(2, '0');
  return {
    name: `${isPresubmit ? 'pull' : 'ci'}-kubernetes-${kind}-${random.hex(4)}-${number}`,
    kind,
    isPresubmit,
    ...sizeOf(kind, random),
  };
}

function sizeOf(
  kind: JobKind,
  random: ReturnType<typeof randomFor>,
): Pick<CorpusJob, 'casesPerFile' | 'skippedShare'> {
  if (kind === 'unit') return { casesPerFile: [20 + random.below(181)], skippedShare: 0.03 };
  if (kind === 'integration') return { casesPerFile: [300 + random.below(900), 40], skippedShare: 0.1 };
  const files = E2E_FILES[random.below(E2E_FILES.length)] ?? 1;
  const cases = 5_500 + random.below(4_000);
  return { casesPerFile: Array.from({ length: files }, () => Math.ceil(cases / files)), skippedShare: 0.9 };
}
