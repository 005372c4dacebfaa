import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeDemo } from '../../pipeline/demo/index.ts';
import { directoryBucket } from '../bench/corpus/directory.ts';
import { BUCKET, createCorpus, type ServedBucket } from '../bench/corpus/index.ts';
import type { ServerSource } from '../bench/server-process.ts';

/** The name under which the demo's second bucket is served. */
const LEGACY_BUCKET = 'samovar-demo-legacy';

export interface CorpusChoice {
  readonly dir?: string | undefined;
  readonly builds?: number | undefined;
  readonly seed: number;
  readonly demo: boolean;
  readonly nowMs: number;
  /** For what has to be written. */
  readonly scratch: string;
}

/** A corpus as the server gives it, as the facts are read from it, and as both configurations name it. */
export interface CorpusSource {
  readonly server: ServerSource;
  readonly buckets: ReadonlyMap<string, ServedBucket>;
  /** Roots both sides are told. */
  readonly rootsYaml: string;
  /** Ours alone: Kettle has its presubmit root in its code. */
  readonly prRootYaml: string;
}

export async function openSource({
  dir,
  builds,
  seed,
  demo,
  nowMs,
  scratch,
}: CorpusChoice): Promise<CorpusSource> {
  if (builds !== undefined) {
    const corpus = { builds, seed, anchorMs: nowMs - (nowMs % 3_600_000) };
    return {
      server: { corpus },
      buckets: new Map([[BUCKET, createCorpus(corpus)]]),
      rootsYaml: rootYaml(`gs://${BUCKET}/logs/`),
      prRootYaml: PR_ROOT,
    };
  }
  if (demo) {
    await makeDemo({ dir: scratch, nowMs, rootUrl: `gs://${BUCKET}` });
    const legacy = rootYaml(`gs://${LEGACY_BUCKET}/logs/`, { sequential: true, prefix: 'legacy:' });
    return ofDirectories(
      { [BUCKET]: join(scratch, 'demo'), [LEGACY_BUCKET]: join(scratch, 'demo-legacy') },
      rootYaml(`gs://${BUCKET}/logs/`) + legacy,
    );
  }
  if (dir === undefined || !existsSync(join(dir, 'logs')))
    throw new Error(
      `--corpus ${dir ?? ''}: there is no folder logs/ in it; it must be a directory in Prow's layout`,
    );
  return ofDirectories({ [BUCKET]: dir }, rootYaml(`gs://${BUCKET}/logs/`));
}

const PR_ROOT = rootYaml(`gs://${BUCKET}/pr-logs`, { prefix: 'pr:', pr: true });

function ofDirectories(directories: Readonly<Record<string, string>>, rootsYaml: string): CorpusSource {
  const buckets = new Map(Object.entries(directories).map(([name, dir]) => [name, directoryBucket(dir)]));
  return { server: { directories }, buckets, rootsYaml, prRootYaml: PR_ROOT };
}

function rootYaml(url: string, { prefix = '', sequential = false, pr = false } = {}): string {
  const lines = [
    `${url}:`,
    '  contact: compare',
    `  prefix: "${prefix}"`,
    `  sequential: ${sequential}`,
    '  exclude_jobs:',
    '    - ^ci-demo-excluded$',
  ];
  return `${[...lines, ...(pr ? ['  pr: true'] : [])].join('\n')}\n`;
}
