import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDemo } from '../../pipeline/demo/index.ts';
import { snowflakeTimeMs } from '../../pipeline/records/ids.ts';
import { buildFolders, readTree } from './tree.ts';

const NOW_MS = Date.UTC(2026, 10, 20, 10, 0, 30);
const HOUR_S = 3600;

let base: string;
let tree: ReadonlyMap<string, string>;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'samovar-demo-'));
  await makeDemo({ dir: join(base, 'first'), nowMs: NOW_MS, rootUrl: 'file:data/demo' });
  tree = await readTree(join(base, 'first'));
});

afterAll(() => rm(base, { recursive: true, force: true }));

describe('a fresh demo', () => {
  it('has about 250 builds of ten jobs and more in at most 5 MB', () => {
    const folders = buildFolders(tree);
    expect(folders.length).toBeGreaterThan(240);
    expect(folders.length).toBeLessThan(320);
    expect(new Set(folders.map((folder) => folder.split('/').at(-2))).size).toBeGreaterThanOrEqual(10);
    expect([...tree.values()].reduce((sum, text) => sum + text.length, 0)).toBeLessThan(5e6);
  });

  it('keeps an hour away from the edges of the last day and week, so that tables get the same builds in every clone', () => {
    const anchor = Math.floor(NOW_MS / 60_000) * 60;
    const ages = [...tree]
      .filter(([name]) => /(started|finished)\.json$/.test(name))
      .map(([name, text]) => [name, /"timestamp":(\d+)/.exec(text)?.[1]] as const)
      .filter(([, seconds]) => seconds !== undefined)
      .map(([name, seconds]) => ({ name, age: anchor - Number(seconds) }));
    expect(ages.length).toBeGreaterThan(500);
    for (const edge of [24 * HOUR_S, 7 * 24 * HOUR_S]) {
      expect(ages.filter(({ age }) => Math.abs(age - edge) < HOUR_S)).toEqual([]);
    }
    expect(ages.filter(({ age }) => age < 0)).toEqual([]);
  });

  it('gives ids the time their build started', () => {
    const folders = buildFolders(tree).filter((folder) => folder.startsWith('demo/'));
    for (const folder of folders) {
      const seconds = Number(/"timestamp":(\d+)/.exec(tree.get(`${folder}/started.json`) ?? '')?.[1]);
      expect(Math.floor(snowflakeTimeMs(folder.split('/').at(-1) ?? '') / 1000)).toBe(seconds);
    }
  });

  it('points to every presubmit build and to no batch build', () => {
    const pointers = [...tree].filter(([name]) => /directory\/[^/]+\/\d+\.txt$/.test(name));
    const presubmits = buildFolders(tree).filter((folder) => folder.includes('/pull/samovar_samovar/'));
    expect(pointers.map(([, link]) => link.replace('file:data/', '')).sort()).toEqual([...presubmits].sort());
    const batches = buildFolders(tree).filter((folder) => folder.includes('/pull/batch/'));
    expect(batches).toHaveLength(1);
  });

  it('names the newest build of every job in latest-build.txt', () => {
    const newest = buildFolders(tree)
      .filter((folder) => folder.startsWith('demo/logs/ci-samovar-e2e/'))
      .sort()
      .at(-1);
    expect(tree.get('demo/logs/ci-samovar-e2e/latest-build.txt')?.trim()).toBe(newest?.split('/').at(-1));
    expect(tree.get('demo-legacy/logs/nightly-legacy/latest-build.txt')?.trim()).toBe('14');
  });

  it('has a running build, an abandoned one, and one of each broken document', () => {
    const unfinished = buildFolders(tree).filter((folder) => !tree.has(`${folder}/finished.json`));
    expect(unfinished.map((folder) => folder.split('/').at(-2)).sort()).toEqual([
      'ci-samovar-e2e',
      'ci-samovar-odd-files',
    ]);
    const finished = [...tree].filter(([name]) => name.endsWith('/finished.json'));
    expect(finished.filter(([, text]) => !isJson(text))).toHaveLength(1);
    expect(finished.filter(([, text]) => isJson(text) && !text.includes('"timestamp"'))).toHaveLength(1);
    expect(
      finished.filter(([, text]) => text.includes('"result":"success"') && text.includes('crier')).length,
    ).toBeGreaterThan(0);
    const junit = [...tree].filter(([name]) => name.endsWith('.xml'));
    expect(junit.filter(([, text]) => text.startsWith('<!doctype html>'))).toHaveLength(1);
    expect(junit.filter(([, text]) => text.startsWith('\xff\xfe'))).toHaveLength(1);
    expect(junit.filter(([, text]) => !/[>\0]\s*$/.test(text))).toHaveLength(1);
  });

  it('has tests that pass and fail on one commit', () => {
    const seen = new Map<string, Set<boolean>>();
    for (const folder of buildFolders(tree).filter((name) => name.includes('/ci-samovar-unit/'))) {
      const commit = /"repo-commit":"(\w+)"/.exec(tree.get(`${folder}/started.json`) ?? '')?.[1] ?? '';
      const failed = /name="TestWatchReconnects"[^>]*><failure/.test(
        tree.get(`${folder}/artifacts/junit_unit.xml`) ?? '',
      );
      seen.set(commit, (seen.get(commit) ?? new Set()).add(failed));
    }
    expect([...seen.values()].filter((outcomes) => outcomes.size === 2).length).toBeGreaterThan(0);
  });

  it('depends on the seed and the age of builds alone, never on the date', async () => {
    const dir = join(base, 'other-date');
    await makeDemo({ dir, nowMs: NOW_MS + 100 * 24 * HOUR_S * 1000 + 7_777_777, rootUrl: 'file:data/demo' });
    expect(contentByJob(await readTree(dir))).toEqual(contentByJob(tree));
    await makeDemo({ dir: join(base, 'other-seed'), nowMs: NOW_MS, seed: 7, rootUrl: 'file:data/demo' });
    expect(contentByJob(await readTree(join(base, 'other-seed')))).not.toEqual(contentByJob(tree));
  });
});

/** What every build of a job holds, oldest first, less its times and ids. */
function contentByJob(files: ReadonlyMap<string, string>): Readonly<Record<string, readonly string[]>> {
  const jobs: Record<string, string[]> = {};
  const folders = [...buildFolders(files)].sort((a, b) =>
    Number(BigInt(a.split('/').at(-1) ?? 0) - BigInt(b.split('/').at(-1) ?? 0)),
  );
  for (const folder of folders) {
    const content = [...files]
      .filter(([name]) => name.startsWith(`${folder}/`))
      .map(([, text]) => withoutTimes(text));
    const job = `${folder.split('/')[0]}/${folder.split('/').at(-2)}`;
    jobs[job] = [...(jobs[job] ?? []), content.join('\n')];
  }
  return jobs;
}

/** Zero bytes go too: one file is UTF-16. */
function withoutTimes(text: string): string {
  return text
    .replaceAll('\0', '')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+/g, 'TIME')
    .replace(/"timestamp":\d+|name="RandomSeed" value="\d+"|results\.example\.test\/\d+/g, 'TIME');
}

function isJson(text: string): boolean {
  try {
    return JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
}
