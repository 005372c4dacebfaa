import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { reportAssets } from '../../pipeline/report/assets.ts';
import { staticLinks } from '../../pipeline/report/links.ts';
import type { BuildSummary, JobPage } from '../../pipeline/report/models.ts';
import { jobPage } from '../../pipeline/report/pages/job.ts';
import { atMost, type Goal } from './goals.ts';
import type { BenchOptions } from './options.ts';
import { median, short } from './statistics.ts';

const TESTS = 200;
const BUILDS = 500;
const ROUNDS_MIN = 5;
const FRAMES = 120;
const NOW_S = 1_780_000_000;

/** When the grid was drawn and the browser has shown something. */
const FIRST_VIEW = `new Promise((done) => requestAnimationFrame(() => setTimeout(() => {
  const at = (name) => performance.getEntriesByName(name)[0]?.startTime ?? NaN;
  done(Math.max(at('grid-drawn'), at('first-contentful-paint')));
})))`;

export interface GridResult {
  readonly bench: 'grid';
  readonly tests: number;
  readonly builds: number;
  readonly pageBytes: number;
  readonly scriptBytes: number;
  readonly rounds: readonly GridRound[];
  readonly goals: readonly Goal[];
}

export interface GridRound {
  /** From the beginning of the navigation, in a browser that has seen nothing yet. */
  readonly firstViewMs: number;
  readonly frameP50Ms: number;
  readonly frameP99Ms: number;
}

/** A job's page of 200 tests and 500 builds in headless Chromium: time to its first view, and frames while it scrolls slantwise. */
export async function benchGrid({ repeat, log }: Pick<BenchOptions, 'repeat' | 'log'>): Promise<GridResult> {
  const found = spawnSync('scripts/browser', ['path'], { encoding: 'utf8' });
  if (found.status !== 0) throw new Error(`grid: needs chromium: ${found.stderr.trim()}`);
  const folder = mkdtempSync(join(tmpdir(), 'samovar-grid-'));
  const browser = await chromium.launch({
    executablePath: found.stdout.trim(),
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const sizes = await writePage(folder);
    const rounds: GridRound[] = [];
    for (let round = 0; round < Math.max(ROUNDS_MIN, repeat); round += 1) {
      log(`grid: round ${round + 1}`);
      rounds.push(await measure(browser, folder));
    }
    const firstViewMs = median(rounds.map((one) => one.firstViewMs));
    const goals = [atMost('first view of a grid of 200 tests and 500 builds', 1_000, firstViewMs, ' ms')];
    return { bench: 'grid', tests: TESTS, builds: BUILDS, ...sizes, rounds, goals };
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writePage(folder: string) {
  mkdirSync(join(folder, 'assets'));
  mkdirSync(join(folder, 'job'));
  for (const { file, text } of reportAssets()) writeFileSync(join(folder, 'assets', file), text);
  const model = jobOf();
  const known = {
    jobs: new Set([model.summary.job]),
    tests: new Set(model.grid.rows.map(({ test }) => test)),
    builds: new Set(model.grid.builds.map(({ path }) => path)),
    clusters: new Set<string>(),
  };
  const head = { generatedS: NOW_S, table: 'all', warehouse: 'duckdb:bench', windowDays: 14 };
  const file = join(folder, 'job', 'job.html');
  writeFileSync(file, String(await jobPage(model, { head, links: staticLinks(1, known) })));
  const scripts = reportAssets().filter(({ file: name }) => name.endsWith('.js'));
  const scriptBytes = scripts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  return { pageBytes: statSync(file).size, scriptBytes };
}

async function measure(browser: Browser, folder: string): Promise<GridRound> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    await page.goto(pathToFileURL(join(folder, 'job', 'job.html')).href);
    const firstViewMs = await page.evaluate(FIRST_VIEW);
    const frames = await scrolled(page);
    return {
      firstViewMs: Number(firstViewMs),
      frameP50Ms: percentile(frames, 0.5),
      frameP99Ms: percentile(frames, 0.99),
    };
  } finally {
    await context.close();
  }
}

/** Milliseconds between frames while the grid goes on by two rows and three builds in each. */
async function scrolled(page: Page): Promise<readonly number[]> {
  const frames = await page.evaluate(`new Promise((done) => {
    const grid = document.querySelector('.grid');
    const times = [];
    const step = (now) => {
      times.push(now);
      if (times.length > ${FRAMES}) return done(times.slice(1).map((time, at) => time - times[at]));
      grid.scrollBy(54, 48);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  })`);
  return frames as readonly number[];
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function jobOf(): JobPage {
  const job = 'ci-bench-e2e';
  const asked = { sql: 'SELECT 1' };
  const builds = Array.from({ length: BUILDS }, (_, at) => buildOf(job, at));
  const rows = Array.from({ length: TESTS }, (_, row) => {
    const marks = Array.from({ length: BUILDS }, (__, col) => markOf(row, col)).join('');
    const count = (mark: string) => marks.split(mark).length - 1;
    return {
      test: `[sig-bench] Suite ${row % 17} should be drawn in time whatever its name is, test ${row} [Conformance]`,
      ...{ marks, failed: count('F'), flaky: count('L'), ran: BUILDS - count(' ') },
    };
  });
  return {
    summary: {
      ...{
        job,
        runs: BUILDS,
        passed: 400,
        recent: [],
        failedInARow: 0,
        lastPassedS: NOW_S,
        lastStartedS: NOW_S,
      },
      ...{ p50S: 3_000, p99S: 5_000, testsRun: 100_000, testsFailed: 900, flakyTests: 9 },
    },
    grid: { job, builds, rows, testsTotal: TESTS, asked },
    ...{ days: [], flaky: [], asked: { days: asked, flaky: asked } },
  };
}

function buildOf(job: string, at: number): BuildSummary {
  const number = String(1_900_000_000_000_000_000n - BigInt(at));
  return {
    ...{ job, number, path: `gs://bench-logs/logs/${job}/${number}/`, startedS: NOW_S - at * 2_400 },
    ...{ elapsedS: 3_000, passed: at % 5 !== 0, result: null, testsRun: TESTS, testsFailed: 3, commit: null },
  };
}

function markOf(row: number, col: number): string {
  const number = (row * 2_654_435_761 + col * 40_503) % 97;
  return number < 6 ? 'F' : number < 9 ? 'L' : number < 16 ? ' ' : 'P';
}

export function gridText({ tests, builds, pageBytes, scriptBytes, rounds }: GridResult): string {
  const of = (figure: keyof GridRound) => rounds.map((round) => round[figure]);
  return [
    `grid: ${tests} tests, ${builds} builds; page ${short(pageBytes / 1e3)} kB, scripts ${short(scriptBytes / 1e3)} kB`,
    '| first view ms | frame p50 ms | frame p99 ms |',
    '| --- | --- | --- |',
    ...rounds.map(
      ({ firstViewMs, frameP50Ms, frameP99Ms }) =>
        `| ${short(firstViewMs)} | ${short(frameP50Ms)} | ${short(frameP99Ms)} |`,
    ),
    `medians: first view ${short(median(of('firstViewMs')))} ms, frames ${short(median(of('frameP50Ms')))} ms, p99 ${short(median(of('frameP99Ms')))} ms`,
  ].join('\n');
}
