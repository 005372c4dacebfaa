import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runStep, TOUR_DOCUMENT, tourSteps, withPrinted } from './tour-steps.ts';

/** Walks docs/tour.md and writes what each step prints into it. */
const place = mkdtempSync(join(tmpdir(), 'samovar-tour-'));
const folder = join(place, 'tour');
mkdirSync(folder);
const cli = resolve(import.meta.dirname, '../../pipeline/cli.ts');
const samovar = [process.execPath, '--import', import.meta.resolve('tsx'), cli];
const document = readFileSync(TOUR_DOCUMENT, 'utf8');
const printed: string[] = [];
for (const step of tourSteps(document)) {
  const run = await runStep(step, { folder, samovar, port: 8321 });
  console.log(`${run.code === 0 ? 'ok' : `EXIT ${run.code}`}  ${step.commands.split('\n')[0]}`);
  if (run.code !== 0) process.exitCode = 1;
  printed.push(
    run.printed
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n'),
  );
}
writeFileSync(TOUR_DOCUMENT, withPrinted(document, printed));
rmSync(place, { recursive: true, force: true });
