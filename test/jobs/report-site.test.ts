import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { fairShare, SITE_LIMITS, type SiteOptions, writeSite } from '../../pipeline/jobs/report-site.ts';
import { fixtureReport, JOBS, NOW_S } from '../report/fixture.ts';
import { tempFolder } from '../support/temp.ts';

const root = tempFolder();
let folder = '';
let runs = 0;

beforeEach(() => {
  runs += 1;
  folder = join(root, `site-${runs}`);
});

function write(more: Partial<SiteOptions> = {}) {
  const { signal } = new AbortController();
  return writeSite({ source: fixtureReport({ builds: 3 }), folder, nowMs: NOW_S * 1_000, signal, ...more });
}

function filesIn(path = folder): readonly string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}

const MANIFEST = '.samovar-report.json';

describe('a site', () => {
  it('has a page of everything, and no link that leads nowhere', async () => {
    const { pages, files } = await write();
    expect(pages).toEqual({ job: JOBS.length, test: 70, build: 22, cluster: 10 });
    const there = new Set(filesIn());
    expect(there.size).toBe(files + 1);
    const wrong: string[] = [];
    for (const file of [...there].filter((one) => one.endsWith('.html'))) {
      const html = readFileSync(join(folder, file), 'utf8');
      const links = [...html.matchAll(/\s(?:href|src)="([^"]*)"/g), ...html.matchAll(/"href":"([^"]*)"/g)];
      expect(links.length).toBeGreaterThan(5);
      for (const [, link = ''] of links) {
        if (link.startsWith('#') || link.startsWith('data:,') || link.startsWith('https://console.cloud'))
          continue;
        if (!there.has(join(dirname(file), link))) wrong.push(`${file}: ${link}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('says where builds have no page of their own', async () => {
    const { pages, buildsTotal } = await write({ limits: { ...SITE_LIMITS, builds: 16 } });
    expect(pages.build).toBe(2 * (JOBS.length - 1) + 1);
    expect(readFileSync(join(folder, 'index.html'), 'utf8')).toContain(
      `Only the newest 2 builds of each job have pages of their own here: there are ${buildsTotal}.`,
    );
  });

  it('is told of while it is written', async () => {
    const told: (readonly [number, number])[] = [];
    await write({ onPage: (done, total) => told.push([done, total]) });
    expect(told.map(([done]) => done)).toEqual(told.map((_, at) => at + 1));
    expect(told[0]?.[1]).toBeGreaterThan(100);
  });

  it('is not written in a dry run', async () => {
    const dry = await write({ dryRun: true });
    expect(existsSync(folder)).toBe(false);
    expect(dry).toEqual(await write());
  });
});

describe('written where an earlier one is', () => {
  it('takes away what is no more, and nothing of others', async () => {
    await write();
    const before = filesIn();
    mkdirSync(join(folder, 'job'), { recursive: true });
    const others = ['CNAME', 'job/notes.html', '.gitignore'];
    for (const file of others) writeFileSync(join(folder, file), 'mine');
    const { removed, files } = await write({ source: fixtureReport({ builds: 2 }) });
    expect(removed).toBe(JOBS.length - 1);
    const after = filesIn();
    expect(after).toHaveLength(files + 1 + others.length);
    expect(before.filter((file) => !after.includes(file))).toHaveLength(removed);
    for (const file of others) expect(readFileSync(join(folder, file), 'utf8')).toBe('mine');
  });

  it('leaves the old one as it was when it is stopped', async () => {
    await write();
    const before = filesIn().map((file) => readFileSync(join(folder, file), 'utf8'));
    const stop = new AbortController();
    const onPage = (done: number) => done === 40 && stop.abort(new Error('stopped'));
    const stopped = write({ source: fixtureReport({ builds: 2 }), signal: stop.signal, onPage });
    await expect(stopped).rejects.toThrow('stopped');
    expect(filesIn().map((file) => readFileSync(join(folder, file), 'utf8'))).toEqual(before);
  });

  it('leaves no folder behind where there was none', async () => {
    const stopped = write({ signal: AbortSignal.abort(new Error('stopped')) });
    await expect(stopped).rejects.toThrow('stopped');
    expect(existsSync(folder)).toBe(false);
  });

  it('removes only what it can have written, whatever its list says', async () => {
    await write();
    writeFileSync(join(root, 'precious'), 'mine');
    writeFileSync(join(folder, 'own.html'), 'mine');
    const list = {
      files: ['../precious', 'own.html', '/etc/hostname', 'job/../../precious', 7, 'index.html'],
    };
    writeFileSync(join(folder, MANIFEST), JSON.stringify(list));
    // Pages that the list does not name any more are somebody else's.
    await expect(write()).rejects.toThrow(/holds a \w+\.html that is not a report's/);
    writeFileSync(
      join(folder, MANIFEST),
      JSON.stringify({ files: [...list.files, 'jobs.html', 'tests.html', 'clusters.html'] }),
    );
    await write();
    expect(readFileSync(join(root, 'precious'), 'utf8')).toBe('mine');
    expect(readFileSync(join(folder, 'own.html'), 'utf8')).toBe('mine');
  });

  it('clears up after a run that was killed, but not beside one that runs', async () => {
    const [killed, running] = ['.samovar-report-new-aaaaaa', '.samovar-report-new-bbbbbb'];
    for (const name of [killed, running]) {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, 'index.html'), 'half');
    }
    utimesSync(join(folder, killed), NOW_S - 86_400, NOW_S - 86_400);
    utimesSync(join(folder, running), NOW_S - 60, NOW_S - 60);
    await write();
    expect(existsSync(join(folder, killed))).toBe(false);
    expect(existsSync(join(folder, running))).toBe(true);
  });
});

describe("somebody else's site", () => {
  it('is not written over', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'index.html'), 'my own');
    await expect(write()).rejects.toMatchObject({
      message: expect.stringContaining("holds a index.html that is not a report's"),
      remedy: expect.stringContaining('--out'),
    });
    expect(filesIn()).toEqual(['index.html']);
  });
});

describe('the share of each job', () => {
  it.each([
    [[1, 2, 3], 6, Infinity],
    [[1, 2, 3], 5, 2],
    [[100, 100], 10, 5],
    [[1, 1, 100], 10, 8],
    [[5, 5, 5], 2, 1],
    [[], 5, Infinity],
  ])('of %j builds with room for %d is %d', (counts, limit, share) => {
    expect(
      fairShare(
        counts.map((runs) => ({ runs })),
        limit,
      ),
    ).toBe(share);
  });
});
