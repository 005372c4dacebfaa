import { describe, expect, test } from 'vitest';
import { type BucketRoot, findRoot, loadRoots, parseRoots } from '../../pipeline/config/buckets.ts';
import { readSchema } from '../../pipeline/config/shipped.ts';

const schema = await readSchema('buckets');
const parse = (text: string) => parseRoots(text, { file: 'buckets.yaml', schema });

function one(text: string): BucketRoot {
  const [root] = parse(text);
  if (root === undefined) throw new Error('no root');
  return root;
}

test("a file in Kettle's own format is read with Kettle's defaults", () => {
  const root = one(`
gs://kubernetes-ci-logs/logs/:
  contact: "somebody"
  prefix: "x:"
  exclude_jobs:
    - ^ci-one$
    - ".*(flaky|flake).*"
`);
  expect(root).toMatchObject({
    url: 'gs://kubernetes-ci-logs/logs/',
    contact: 'somebody',
    prefix: 'x:',
    sequential: true,
    pr: false,
    anonymous: false,
  });
});

test('our own keys arrive in milliseconds and counts', () => {
  const root = one(
    'gs://bkt/pr-logs/: {pr: true, requests_in_flight: 8, time_budget_minutes: 1.5, anonymous: true}',
  );
  expect(root).toMatchObject({ pr: true, requestsInFlight: 8, timeBudgetMs: 90_000, anonymous: true });
});

describe('excluded jobs', () => {
  const root = one('gs://bkt/logs/: {exclude_jobs: ["^ci-one$", "flak[ey]", "(?i)SECRET", "(?P<n>x{3})"]}');
  test.each([
    ['ci-one', '^ci-one$'],
    ['ci-one-more', undefined],
    ['a-flaky-job', 'flak[ey]'],
    ['my-secret-job', '(?i)SECRET'],
    ['axxxb', '(?P<n>x{3})'],
    ['axxb', undefined],
  ])('%s is dropped by %s', (job, rule) => {
    expect(root.excludes(job)).toBe(rule);
  });

  test('a rule that makes other engines hang takes no time', () => {
    const slow = one('gs://bkt/logs/: {exclude_jobs: ["^(a+)+$", "^(a|a?)+$"]}');
    const started = performance.now();
    expect(slow.excludes(`${'a'.repeat(5000)}!`)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('a list without entries excludes nothing', () => {
    expect(
      one('gs://bkt/logs/:\n  exclude_jobs:\n    # - all are commented out\n').excludes('any'),
    ).toBeUndefined();
  });
});

describe('wrong files are refused', () => {
  test.each([
    [
      'a misspelt key',
      'gs://bkt/logs/:\n  sequental: true\n',
      /buckets\.yaml:2:3: gs:\/\/bkt\/logs\/: unknown key "sequental", did you mean "sequential"\?; allowed: prefix, contact/,
    ],
    [
      'a rule that cannot be compiled',
      'gs://bkt/logs/:\n  exclude_jobs:\n    - "*x"\n',
      /buckets\.yaml:3:7: gs:\/\/bkt\/logs\/ → exclude_jobs → 0: "\*x" is no usable regular expression: .*repetition/,
    ],
    [
      'another scheme',
      's3://bkt/logs/: {}\n',
      /buckets\.yaml:1:1: "s3:\/\/bkt\/logs\/" cannot be used; allowed: root URLs/,
    ],
    [
      'a bucket name no server takes',
      'gs://A/logs/: {}\n',
      /buckets\.yaml:1:1: Cannot use bucket gs:\/\/A.*3-63/,
    ],
    [
      'one root twice',
      'gs://bkt/logs: {}\ngs://bkt/logs/: {}\n',
      /buckets\.yaml:2:1: gs:\/\/bkt\/logs\/ is the same root as gs:\/\/bkt\/logs/,
    ],
    [
      'a root inside another',
      'gs://bkt/logs/: {}\ngs://bkt/logs/sub/: {}\n',
      /buckets\.yaml:2:1: .* overlap, its builds would be collected twice/,
    ],
    ['a root around another', 'gs://bkt/logs/sub/: {}\ngs://bkt/: {}\n', /buckets\.yaml:2:1: .* overlap/],
    ['all disabled', 'gs://bkt/logs/: {disabled: true}\n', /every root is disabled/],
    ['no entry', '{}\n', /fewer than 1|must NOT have fewer/],
    [
      'a root without settings',
      'gs://bkt/logs/:\n',
      /buckets\.yaml:1:16: .*must be a mapping \(key: value\), not nothing/,
    ],
  ])('%s', (_, text, expected) => {
    expect(() => parse(text)).toThrow(expected);
  });

  test('roots that only begin alike do not overlap', () => {
    expect(parse('gs://bkt/logs: {}\ngs://bkt/logs-old: {}\n').map(({ url }) => url)).toEqual([
      'gs://bkt/logs/',
      'gs://bkt/logs-old/',
    ]);
  });
});

test('a disabled root is left out', () => {
  expect(parse('gs://bkt/a/: {disabled: true}\ngs://bkt/b/: {}\n').map(({ url }) => url)).toEqual([
    'gs://bkt/b/',
  ]);
});

test('a path belongs to the root it lies under, not to one whose name only begins alike', () => {
  const roots = parse(
    'gs://bkt/logs/: {prefix: "a:"}\ngs://bkt/logs-old/: {prefix: "b:"}\nfile:data/demo/logs/: {}\n',
  );
  expect(findRoot(roots, 'gs://bkt/logs/job/1')?.prefix).toBe('a:');
  expect(findRoot(roots, 'gs://bkt/logs-old/job/1')?.prefix).toBe('b:');
  expect(findRoot(roots, 'file:data/demo/logs/job/1')?.url).toBe('file:data/demo/logs/');
  expect(findRoot(roots, 'gs://other/logs/job/1')).toBeUndefined();
});

describe('the shipped files are good', () => {
  test("production: Kubernetes' logs, and its presubmits by pointers", async () => {
    const roots = await loadRoots('config/buckets.yaml');
    expect(roots.map(({ url, pr, prefix }) => [url, pr, prefix])).toEqual([
      ['gs://kubernetes-ci-logs/logs/', false, ''],
      ['gs://kubernetes-ci-logs/pr-logs/', true, 'pr:'],
    ]);
    expect(roots[0]?.excludes('ci-kubernetes-coverage-unit')).toBeDefined();
    expect(roots[0]?.excludes('ci-kubernetes-e2e-gce')).toBeUndefined();
  });

  test('demo: every kind of root, and one excluded job', async () => {
    const roots = await loadRoots('config/demo-buckets.yaml');
    expect(roots.map(({ url, pr, sequential }) => [url, pr, sequential])).toEqual([
      ['file:data/demo/logs/', false, false],
      ['file:data/demo/pr-logs/', true, false],
      ['file:data/demo-legacy/logs/', false, true],
    ]);
    expect(roots[0]?.excludes('ci-demo-excluded')).toBe('^ci-demo-excluded$');
  });
});
