import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { comparable, runStep, TOUR_DOCUMENT, tourSteps } from '../scripts/docs/tour-steps.ts';
import { tempFolder } from './support/temp.ts';

const ROOT = resolve(import.meta.dirname, '..');
const STEP_MS = 300_000;
const document = readFileSync(TOUR_DOCUMENT, 'utf8');
const steps = tourSteps(document);
const folder = join(tempFolder(), 'tour');
mkdirSync(folder);
const samovar =
  process.env.SAMOVAR_TEST_BUILT === undefined
    ? [process.execPath, '--import', import.meta.resolve('tsx'), join(ROOT, 'pipeline/cli.ts')]
    : [process.execPath, join(ROOT, 'dist/cli.js')];
const port = await freePort();

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

describe('docs/tour.md, step by step (outputs made anew by: npx tsx scripts/docs/tour.ts)', () => {
  it('has steps for each part of the walk', () => {
    const words =
      'update status query triage report serve monitor doctor stream dead-letters ledger mutation-log cache';
    for (const word of words.split(' ')) expect(document).toMatch(new RegExp(`^samovar ${word}\\b`, 'm'));
    expect(steps.filter(({ printed }) => printed === undefined)).toEqual([]);
    // Of the blocks for a shell, only what has to be done before is not taken here.
    expect(document.match(/^```sh/gm)).toHaveLength(steps.length + 1);
  });

  // In their order and in one folder: each step builds on those before it.
  it.each(steps.map((step) => [step.commands.trim().split('\n')[0], step] as const))(
    '%s',
    async (_, step) => {
      const { printed, code } = await runStep(step, { folder, samovar, port });
      expect(comparable(printed, step.isAbout)).toBe(comparable(step.printed ?? '', step.isAbout));
      expect(code).toBe(0);
    },
    STEP_MS,
  );
});

describe('what is compared', () => {
  it('leaves times, sizes and dates to each machine, and nothing else', () => {
    const one = 'This run: 3 builds, in 4.1 s\n  1.8 MiB read on 2026-11-20 19:55 UTC';
    expect(comparable(one, false)).toBe(
      comparable('This run: 3 builds, in 1 min 12 s\n 2 B read on 2027-01-02', false),
    );
    expect(comparable(one, false)).not.toBe(comparable(one.replace('3 builds', '4 builds'), false));
    expect(comparable(one, true)).toBe(comparable(one.replace('3 builds', '4 builds'), true));
    expect(comparable(one, true)).not.toBe(comparable(one.replace('builds', 'jobs'), true));
  });
});
