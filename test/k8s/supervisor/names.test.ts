import { describe, expect, test } from 'vitest';
import { driftOf } from '../../../pipeline/k8s/supervisor/drift.ts';
import { deploymentName, hashOf, labelsOf, serviceName } from '../../../pipeline/k8s/supervisor/names.ts';
import { mergeInto } from '../../../pipeline/k8s/supervisor/overlay.ts';
import { workersOf } from '../../../pipeline/k8s/supervisor/pack.ts';
import { repos } from './fleet.ts';

test.each([
  ['foo/bar', '9bec779ac30c3c91e5e8055c0f5cb25f39ed7ce0ecb5f9a8f64fdab0'],
  ['foo/bar.io', 'cf8092de84b0aecbc785168376cc27fe92962329a7ce274b99e6b867'],
  ['foo.com/bar', '44610f96da7a230fc7b41ee569ca88d47ff9cf2c723c936ca7a84014'],
  ['foo/foo:bar', '98260423ee830fd047446b610c3ea2a5e0246de54e0c3ddc49e5e9f7'],
  ['googleapis/google-cloud-python', '7a6bcf7943599df613aea75c187719082991754410f91bf4bd09d5c8'],
])('%s has the names that the original gives it', (full, hash) => {
  expect(hashOf(full)).toBe(hash);
  expect([deploymentName(full), serviceName(full)]).toEqual([`mtr-d-${hash}`, `mtr-s-${hash}`]);
});

test('what no label can hold is in none', () => {
  const long = 'x'.repeat(64);
  expect(labelsOf({ owner: 'made', repository: '.github', branch: 'release/1', long })).toEqual({
    owner: 'made',
  });
});

describe('packs', () => {
  const packing = { patterns: ['made/*'], count: 4 };

  test('hold what the pattern matches, and nothing else', () => {
    const workers = workersOf(
      [...repos(40), { owner: 'big', name: 'one' }, { owner: 'made.up', name: 'x' }],
      packing,
    );
    expect(workers.filter(({ packed }) => !packed).map(({ repos: [repo] }) => repo?.owner)).toEqual([
      'big',
      'made.up',
    ]);
    expect(workers.filter(({ packed }) => packed)).toHaveLength(4);
    expect(workers.flatMap((worker) => worker.repos)).toHaveLength(42);
  });

  test('keep their repositories when others come', () => {
    const packOf = (count: number) =>
      new Map(
        workersOf(repos(count), packing).flatMap((one) => one.repos.map(({ name }) => [name, one.name])),
      );
    const [few, many] = [packOf(20), packOf(40)];
    for (const [name, pack] of few) expect(many.get(name)).toBe(pack);
  });
});

describe('drift', () => {
  test.each([
    ['nothing', { a: 1, b: [1, 2] }, { a: 1, b: [1, 2], c: 3 }, undefined],
    ['a value', { a: { b: 1 } }, { a: { b: 2 } }, '.a.b'],
    ['something that is gone', { a: { b: 1 } }, {}, '.a'],
    ['a list that is one value', { args: ['x'] }, { args: ['x', 'y'] }, '.args'],
    [
      'nothing, where others added to a named list',
      { env: [{ name: 'a', value: '1' }] },
      { env: [{ name: 'z' }, { name: 'a', value: '1' }] },
      undefined,
    ],
    [
      'an item of a named list',
      { env: [{ name: 'a', value: '1' }] },
      { env: [{ name: 'a', value: '2' }] },
      '.env[a].value',
    ],
    [
      'nothing, where the server writes an amount otherwise',
      { limits: { cpu: '1000m', memory: '1024Mi' } },
      { limits: { cpu: '1', memory: '1Gi' } },
      undefined,
    ],
    ['an amount', { limits: { cpu: '1000m' } }, { limits: { cpu: '2' } }, '.limits.cpu'],
  ])('sees %s', (_, wanted, live, found) => expect(driftOf(wanted, live)).toBe(found));
});

test('an overlay merges lists of named things, replaces others, and takes away what it says is null', () => {
  const base = { spec: { containers: [{ name: 'a', image: '1', args: ['x'] }, { name: 'b' }], fsGroup: 1 } };
  const overlay = { spec: { containers: [{ name: 'a', args: ['y'] }, { name: 'c' }], fsGroup: null } };
  expect(mergeInto(base, overlay)).toEqual({
    spec: { containers: [{ name: 'a', image: '1', args: ['y'] }, { name: 'b' }, { name: 'c' }] },
  });
  expect(mergeInto({}, JSON.parse('{"__proto__":{"polluted":true}}'))).not.toHaveProperty('polluted');
});
