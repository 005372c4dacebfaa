import { describe, expect, it } from 'vitest';
import { matchesGlob, ownerOf } from '../../pipeline/triage/owners.ts';

const failure = (test: string, failures = 1, job = 'ci-a', text = 'no') => ({ test, job, text, failures });

describe('the owner of failures', () => {
  it('is the SIG in the name of most of the tests', () => {
    const failures = [failure('[sig-node] a', 2), failure('x [SIG-Network] b', 3), failure('c', 9)];
    expect(ownerOf(failures, [])).toBe('sig-network');
    expect(ownerOf([failure('c')], [])).toBeUndefined();
  });

  it('is the one of the first rule that fits, before the SIG', () => {
    const rules = [
      { owner: 'infra', text: '*quota*' },
      { owner: 'release', job: 'pr:*', test: '*upgrade*' },
    ];
    expect(ownerOf([failure('[sig-node] upgrade', 1, 'pr:x', 'out of quota!')], rules)).toBe('infra');
    expect(ownerOf([failure('[sig-node] upgrade', 1, 'pr:x')], rules)).toBe('release');
    expect(ownerOf([failure('[sig-node] upgrade', 1, 'ci-x')], rules)).toBe('sig-node');
  });

  it('is the first by name when two have as many', () => {
    expect(ownerOf([failure('[sig-b]'), failure('[sig-a]')], [])).toBe('sig-a');
  });
});

describe('globs', () => {
  it.each([
    ['abc', 'abc', true],
    ['abc', 'ab', false],
    ['abc', '*', true],
    ['abc', 'a*c', true],
    ['ac', 'a*c', true],
    ['a', 'a*a', false],
    ['abcabc', '*bc', true],
    ['abcabx', 'a*bc', false],
    ['pr:pull-x', 'pr:*', true],
    ['a.c', 'a?c', false],
  ])('%s is of %s: %s', (text, glob, wanted) => expect(matchesGlob(text, glob)).toBe(wanted));

  it('take no longer for many stars', () => {
    const started = performance.now();
    expect(matchesGlob('a'.repeat(100_000), `${'*a'.repeat(500)}b`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
