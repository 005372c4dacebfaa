import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDemo } from '../../pipeline/demo/index.ts';
import { buildFolders, readTree } from './tree.ts';

const NOW_MS = Date.UTC(2026, 10, 20, 10, 0, 30);
const HOUR_MS = 3_600_000;

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'samovar-demo-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

describe('a demo that is there', () => {
  it('is left as it is for an hour', async () => {
    await makeDemo({ dir: base, nowMs: NOW_MS });
    const before = await readTree(base);
    const again = await makeDemo({ dir: base, nowMs: NOW_MS + HOUR_MS - 60_000 });
    expect(again).toMatchObject({ created: false, buildsAdded: 0 });
    expect(await readTree(base)).toEqual(before);
  });

  it('gets the builds of the time since, keeps the old ones, and finishes the running one', async () => {
    await makeDemo({ dir: base, nowMs: NOW_MS });
    const before = await readTree(base);
    const later = await makeDemo({ dir: base, nowMs: NOW_MS + 30 * HOUR_MS });
    expect(later.buildsAdded).toBeGreaterThan(10);
    const after = await readTree(base);
    const changed = [...before].filter(([name, text]) => after.get(name) !== text).map(([name]) => name);
    expect(
      changed.filter((name) => !name.endsWith('latest-build.txt') && !name.endsWith('demo.json')),
    ).toEqual([]);
    const unfinished = (tree: ReadonlyMap<string, string>) =>
      buildFolders(tree).filter((folder) => !tree.has(`${folder}/finished.json`));
    expect(unfinished(before)).toHaveLength(2);
    expect(unfinished(after)).toHaveLength(1);
    expect(await makeDemo({ dir: base, nowMs: NOW_MS + 30 * HOUR_MS })).toMatchObject({ buildsAdded: 0 });
  });

  it('comes to the same builds in small steps as in one', async () => {
    const [steps, leap] = [join(base, 'steps'), join(base, 'leap')];
    const rootUrl = 'file:data/demo';
    for (const hours of [0, 2, 9, 26, 50])
      await makeDemo({ dir: steps, nowMs: NOW_MS + hours * HOUR_MS, rootUrl });
    for (const hours of [0, 50]) await makeDemo({ dir: leap, nowMs: NOW_MS + hours * HOUR_MS, rootUrl });
    expect(await readTree(steps)).toEqual(await readTree(leap));
  });

  it('gets two weeks at most, however long it lay', async () => {
    const first = await makeDemo({ dir: base, nowMs: NOW_MS });
    const later = await makeDemo({ dir: base, nowMs: NOW_MS + 400 * 24 * HOUR_MS });
    expect(later.buildsAdded).toBeGreaterThan(200);
    expect(later.buildsAdded).toBeLessThan(first.buildsAdded * 1.2);
  });

  it('is refused where something else lies under its name', async () => {
    await makeDemo({ dir: base, nowMs: NOW_MS });
    await writeFile(join(base, 'demo/demo.json'), '[]');
    await expect(makeDemo({ dir: base, nowMs: NOW_MS })).rejects.toMatchObject({ code: 'malformed' });
  });
});

describe('a killed call', () => {
  it('leaves no half build, and the next call completes it', async () => {
    const [killed, whole] = [join(base, 'killed'), join(base, 'whole')];
    const rootUrl = 'file:data/demo';
    await killAfterSomeBuilds(killed, rootUrl);
    const left = await readTree(join(killed, 'demo'));
    const folders = buildFolders(left);
    expect(folders.length).toBeGreaterThan(0);
    await makeDemo({ dir: whole, nowMs: NOW_MS, rootUrl });
    const complete = await readTree(whole);
    for (const [name, text] of left)
      if (!name.endsWith('demo.json')) expect(complete.get(`demo/${name}`)).toBe(text);
    for (const folder of folders) expect(filesOf(left, folder)).toBe(filesOf(complete, `demo/${folder}`));
    await makeDemo({ dir: killed, nowMs: NOW_MS + 5_000, rootUrl });
    expect(await readTree(killed)).toEqual(complete);
  });
});

function filesOf(tree: ReadonlyMap<string, string>, folder: string): number {
  return [...tree.keys()].filter((name) => name.startsWith(`${folder}/`)).length;
}

/** Makes a demo in a process of its own and kills that once the first jobs' folders are there. */
async function killAfterSomeBuilds(dir: string, rootUrl: string): Promise<void> {
  const module = new URL('../../pipeline/demo/index.ts', import.meta.url).href;
  const script = `import { makeDemo } from ${JSON.stringify(module)}; await makeDemo(${JSON.stringify({ dir, nowMs: NOW_MS, rootUrl })});`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: 'inherit',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  while (child.exitCode === null && (await jobsIn(dir)) < 2) await sleep(2);
  child.kill('SIGKILL');
  await ended;
  expect(child.signalCode).toBe('SIGKILL');
}

async function jobsIn(dir: string): Promise<number> {
  return (await readdir(join(dir, 'demo/logs')).catch(() => [])).length;
}
