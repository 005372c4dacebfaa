import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createCorpus } from '../../scripts/bench/corpus/index.ts';

const OPTIONS = { seed: 1, builds: 200, anchorMs: Date.UTC(2026, 10, 20) };
const corpus = createCorpus(OPTIONS);
const junit = corpus.names.filter((name) => name.endsWith('.xml'));

describe('the corpus', () => {
  it('is the same for the same seed, content included, and another for another', () => {
    const again = createCorpus(OPTIONS);
    expect(again.names).toEqual(corpus.names);
    const sample = corpus.names.filter((_, index) => index % 37 === 0);
    expect(sample.map((name) => digest(again.read(name)))).toEqual(
      sample.map((name) => digest(corpus.read(name))),
    );
    expect(createCorpus({ ...OPTIONS, seed: 2 }).names).not.toEqual(corpus.names);
  });

  it('gives an object the same bytes whenever it is asked for', () => {
    for (const name of junit.slice(0, 20)) expect(digest(corpus.read(name))).toBe(digest(corpus.read(name)));
  });

  it('has the sizes that real buckets have: 0.3 to 0.6 MB of XML a build, files of more than 1 MB, mostly skipped cases', () => {
    const sizes = junit.map((name) => corpus.read(name)?.length ?? 0);
    const perBuild = sizes.reduce((sum, size) => sum + size, 0) / OPTIONS.builds;
    expect(perBuild).toBeGreaterThan(300_000);
    expect(perBuild).toBeLessThan(600_000);
    expect(sizes.filter((size) => size > 1e6).length).toBeGreaterThan(0);
    const e2e = String(corpus.read(junit.find((name) => name.includes('-e2e-')) ?? ''));
    const count = (text: string) => e2e.split(text).length - 1;
    expect(count('<skipped') / count('<testcase')).toBeGreaterThan(0.8);
  });

  it('has about 38 % presubmits, each with a pointer to where it lies', () => {
    const pointers = corpus.names.filter((name) => /directory\/[^/]+\/\d+\.txt$/.test(name));
    expect(pointers.length / OPTIONS.builds).toBeCloseTo(0.38, 1);
    for (const pointer of pointers) {
      const link = String(corpus.read(pointer));
      expect(corpus.linkOf(pointer)).toBe(link);
      expect(corpus.read(`${link.replace('gs://kubernetes-ci-logs/', '')}/started.json`)).toBeDefined();
    }
  });

  it('names objects in byte order, as the server needs them', () => {
    const sorted = [...corpus.names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(corpus.names).toEqual(sorted);
  });
});

/** Comparing megabytes byte by byte with an assertion library takes minutes. */
function digest(bytes: Buffer | undefined): string {
  return createHash('sha1')
    .update(bytes ?? 'nothing')
    .digest('hex');
}
