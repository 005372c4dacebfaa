import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRepos, parseRepos, repoSchemas } from '../../pipeline/config/repos.ts';
import { shippedFile } from '../../pipeline/config/shipped.ts';
import { tempFolder } from '../support/temp.ts';

const schemas = await repoSchemas();
const parse = (text: string) => parseRepos(text, 'repos.yaml', schemas);
const noObject = () => Promise.reject(new Error('no object was asked for'));

test('repositories come in the order of the file, with their defaults', () => {
  expect(parse('o/two: {branch: dev}\no/.github: {issues: false}\nA-b/c.d_e:\n')).toEqual([
    { owner: 'o', name: 'two', branch: 'dev', issues: true },
    { owner: 'o', name: '.github', issues: false },
    { owner: 'A-b', name: 'c.d_e', issues: true },
  ]);
});

describe("maintner's JSON list", () => {
  const list = JSON.stringify({
    other: [{}],
    repos: [
      { repo: 'o/a', default_branch: 'main', is_tracking_issues: true, is_tracking_samples: false },
      { repo: 'o/b', default_branch: '', is_tracking_samples: true },
    ],
  });

  test('is read with its own defaults, whatever else it holds', () => {
    expect(parse(list)).toEqual([
      { owner: 'o', name: 'a', branch: 'main', issues: true },
      { owner: 'o', name: 'b', issues: false },
    ]);
  });

  test('may be empty: then nothing is followed', () => {
    expect(parse('{"repos": []}')).toEqual([]);
  });

  test('comes from a bucket as from a file', async () => {
    const asked: string[] = [];
    const fromBucket = await loadRepos('gs://settings/repos.json', async (url) => {
      asked.push(url);
      return list;
    });
    const file = join(tempFolder(), 'repos.json');
    writeFileSync(file, list);
    expect(await loadRepos(file, noObject)).toEqual(fromBucket);
    expect(asked).toEqual(['gs://settings/repos.json']);
  });
});

test.each([
  ['o/r: {}\nO/R: {}', 'repos.yaml:2:1: O/R is the same repository as o/r'],
  ['{"repos": [{"repo": "o/r"}, {"repo": "o/R"}]}', 'o/R is the same repository as o/r'],
  ['{"repos": [{"repo": "no-slash"}]}', 'owner/name as GitHub writes it'],
  ['{"repos": {"o/r": {}}}', 'a list of objects with the keys repo'],
  ['o/r/s: {}', 'owner/name as GitHub writes it'],
  ['o/..: {}', 'owner/name as GitHub writes it'],
  ['o/r: {branches: main}', 'unknown key "branches", did you mean'],
  ['- o/r', 'must be'],
  ['', 'the file is empty'],
])('%j is refused with its place and what is allowed', (text, message) => {
  expect(() => parse(text)).toThrow(message);
});

test('the shipped list can be used', async () => {
  const repos = await loadRepos(shippedFile('config/repos.yaml'), noObject);
  expect(repos.map(({ owner, name }) => `${owner}/${name}`)).toEqual(['kubernetes/test-infra']);
});
