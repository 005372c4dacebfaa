import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { boundsIn, setBounds } from '../../../pipeline/k8s/gitops/edit/autoscaling.ts';
import { diffText } from '../../../pipeline/k8s/gitops/edit/diff.ts';
import { imageIn, setImage } from '../../../pipeline/k8s/gitops/edit/image.ts';
import { imageVersion } from '../../../pipeline/k8s/gitops/image-version.ts';
import { tempFolder } from '../../support/temp.ts';

const root = tempFolder();
const FILE = 'kustomization.yaml';
const set = (text: string, version: string, image?: string) =>
  setImage(text, imageVersion(version), { repo: 'api', file: FILE, image });
const changedLines = (before: string, after: string) => {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return now.filter((line, at) => line !== old[at]).length + Math.abs(old.length - now.length);
};

describe('one line changes, and all else stays byte for byte', () => {
  const DIGEST = `sha256:${'0'.repeat(64)}`;
  test.each([
    [
      'a plain tag and its comment',
      'images:\n- name: x/api\n  newTag:   v1   # why\n',
      'v2',
      'images:\n- name: x/api\n  newTag:   v2   # why\n',
    ],
    [
      'double quotes',
      'images:\n- newTag: "v1"\n  name: api\n',
      'v2',
      'images:\n- newTag: "v2"\n  name: api\n',
    ],
    [
      'single quotes',
      "images:\n    - name: api\n      newTag: 'v1'\n",
      'v2',
      "images:\n    - name: api\n      newTag: 'v2'\n",
    ],
    ['braces', 'images: [{name: api, newTag: v1}]', 'v2', 'images: [{name: api, newTag: v2}]'],
    [
      'lines that end in CR LF',
      'images:\r\n- name: api\r\n  newTag: v1\r\n',
      'v2',
      'images:\r\n- name: api\r\n  newTag: v2\r\n',
    ],
    [
      'a byte order mark',
      '\ufeffimages:\n- name: api\n  newTag: v1\n',
      'v2',
      '\ufeffimages:\n- name: api\n  newTag: v2\n',
    ],
    ['no value', 'images:\n- name: api\n  newTag:\n', 'v2', 'images:\n- name: api\n  newTag: v2\n'],
    [
      'no tag',
      'images:\n- name: api # ours\n- name: b\n',
      'v2',
      'images:\n- name: api # ours\n  newTag: v2\n- name: b\n',
    ],
    ['no tag in braces', 'images: [{name: api}]\n', 'v2', 'images: [{name: api, newTag: v2}]\n'],
    ['no tag, no end of line', 'images:\n- name: api', 'v2', 'images:\n- name: api\n  newTag: v2'],
    [
      'a digest for a tag',
      'images:\n- name: api\n  newTag: v1 # x\n',
      DIGEST,
      `images:\n- name: api\n  digest: ${DIGEST} # x\n`,
    ],
    [
      'a tag for a digest',
      `images:\n- name: api\n  digest: ${DIGEST}\n`,
      'v2',
      'images:\n- name: api\n  newTag: v2\n',
    ],
    [
      'letters beyond ASCII before it',
      '# \u{1f680} \u00e9\nimages:\n- name: api\n  newTag: v1\n',
      'v2',
      '# \u{1f680} \u00e9\nimages:\n- name: api\n  newTag: v2\n',
    ],
  ])('%s', (_, before, version, after) => expect(set(before, version).after).toBe(after));
});

describe('what a plain scalar would turn into something else is quoted', () => {
  const NUMBERS = [
    '1234567',
    '1e10',
    '0x1f',
    '1.10',
    '0o17',
    '017',
    '1_000',
    '1.',
    '12e03',
    '0b11',
    '190508',
  ];
  const OTHERS = ['true', 'no', 'Yes', 'ON', 'n', 'y', 'null', 'Null', '2024-01-01', '_', '1-2', 'NaN'];
  const SAFE = ['v1', '1.2.3', 'abc', 'v1.2.3-rc.1', '1.2.3-rc1', 'main-0123abc', '_x', 'latest'];
  test.each([...NUMBERS, ...OTHERS, ...SAFE])('%s', (tag) => {
    const { after } = set('images:\n- name: api\n  newTag: v1\n', tag);
    expect(imageIn(after, { repo: 'api', file: FILE }).version?.value).toBe(tag);
    const folder = mkdtempSync(join(root, 'build-'));
    writeFileSync(
      join(folder, 'pod.yaml'),
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: api}]}\n',
    );
    writeFileSync(join(folder, FILE), `resources: [pod.yaml]\n${after}`);
    if (SAFE.includes(tag)) expect(after).toContain(`newTag: ${tag}\n`);
    const built = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
    if (built.error !== undefined) return;
    expect(built.stderr).toBe('');
    expect(built.stdout).toMatch(new RegExp(`image: api:${tag.replaceAll('.', '\\.')}\n`));
  });
});

describe('the right image', () => {
  const TWO = 'images:\n- name: x/proxy\n  newTag: v0\n- name: x/api\n  newTag: v1\n';
  test('is the one that was named', () => {
    expect(set(TWO, 'v2', 'x/proxy').after).toBe(TWO.replace('v0', 'v2'));
  });
  test('is that of the code base, never just the first', () => {
    expect(set(TWO, 'v2').after).toBe(TWO.replace('v1', 'v2'));
  });
  test.each([
    ['several, none of which is the code base\u2019s', TWO.replace('x/api', 'x/other'), undefined],
    ['two of one name', TWO.replace('x/proxy', 'x/api'), undefined],
    ['one that is not there', TWO, 'x/nope'],
  ])('is asked for: %s', (_, text, image) => {
    expect(() => set(text, 'v2', image)).toThrow(expect.objectContaining({ code: 'refused' }));
  });
});

describe('a file that cannot be changed in one place is refused', () => {
  test.each([
    ['no images', 'resources: []\n'],
    ['an empty list', 'images: []\n'],
    ['images that are none', 'images: [api]\n'],
    ['nothing', ''],
    ['a list at the top', '- a\n'],
    ['two documents', 'images:\n- name: api\n  newTag: v1\n---\na: 1\n'],
    ['broken YAML', 'images:\n- name: [api\n'],
    ['a key twice', 'images:\n- name: api\n  newTag: v1\n  newTag: v0\n'],
    ['an anchor', 'images:\n- name: api\n  newTag: &t v1\n'],
    ['an alias', 'x: &t v1\nimages:\n- name: api\n  newTag: *t\n'],
    ['an image that is shared', 'x: &i {name: api, newTag: v1}\nimages:\n- *i\n'],
    ['a block', 'images:\n- name: api\n  newTag: |-\n    v1\n'],
    ['a tag and a digest', `images:\n- name: api\n  newTag: v1\n  digest: sha256:${'0'.repeat(64)}\n`],
  ])('%s', (_, text) => {
    expect(() => set(text, 'v2')).toThrow(expect.objectContaining({ code: 'malformed' }));
  });
});

describe('bounds of an autoscaler', () => {
  const HPA = 'kind: HorizontalPodAutoscaler\nspec:\n  # bounds\n  minReplicas: 2 # low\n  maxReplicas: 5\n';
  test('each is one line', () => {
    const after = setBounds(HPA, { min: 3, max: 9 }, 'hpa.yaml').at(-1)?.after ?? '';
    expect(after).toBe(HPA.replace('2', '3').replace('5', '9'));
  });
  test('the one that stays counts too', () => {
    expect(() => setBounds(HPA, { min: 6 }, 'hpa.yaml')).toThrow(
      expect.objectContaining({ code: 'refused' }),
    );
  });
  test('it is found among other documents, and in braces', () => {
    const text = `kind: Service\nspec: {minReplicas: 1}\n---\nkind: HorizontalPodAutoscaler\nspec: {minReplicas: 1, maxReplicas: 2}\n`;
    const after = setBounds(text, { max: 4 }, 'hpa.yaml').at(-1)?.after ?? '';
    expect(changedLines(text, after)).toBe(1);
    expect(boundsIn(after, 'hpa.yaml')).toEqual({ min: 1, max: 4 });
  });
  test.each([
    'kind: Service\n',
    'kind: HorizontalPodAutoscaler\nspec: {maxReplicas: 3}\n',
    `${HPA}---\n${HPA}`,
  ])('refused: %j', (text) => {
    expect(() => setBounds(text, { min: 1 }, 'hpa.yaml')).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });
});

test('a diff is what diff -u and patch understand', () => {
  const before = Array.from({ length: 9 }, (_, at) => `line ${at}\n`).join('');
  const after = before.replace('line 4', 'other');
  writeFileSync(join(root, 'f'), before);
  const patched = spawnSync('git', ['apply', '--unidiff-zero', '-'], {
    cwd: root,
    input: `${diffText('f', before, after)}\n`,
  });
  expect(patched.stderr.toString()).toBe('');
  expect(spawnSync('cat', [join(root, 'f')]).stdout.toString()).toBe(after);
});
