import { performance } from 'node:perf_hooks';
import { createProgress } from '../../pipeline/monitor/progress.ts';
import { startWatchdog } from '../../pipeline/monitor/watchdog.ts';

/**
 * A process with one task that goes on and, with `hang`, one that never ends. It is kept alive by a timer, as a stream is by its
 * connections; with `idle` only the watchdog is left.
 */
const [mode = 'hang'] = process.argv.slice(2);
/** A step comes so seldom that after a stop the watchdog's look, which is due sooner, comes before it. */
const LIMIT_MS = mode === 'busy' ? 3_000 : 1_000;
const STEP_MS = mode === 'busy' ? 1_000 : 100;
const monotonicMs = () => performance.now();
const progress = createProgress({ nowMs: () => Date.now(), monotonicMs, limitMs: LIMIT_MS });

const busy = progress.stage('table day').task('loading');
if (mode !== 'idle') setInterval(() => busy.step(), STEP_MS);
if (mode === 'hang') progress.stage('collect').task('gs://bucket/logs/job/1');

startWatchdog({
  progress,
  monotonicMs,
  everyMs: 200,
  onStuck: (stuck, dump) => {
    process.stderr.write(`${stuck.length} stuck\n${dump}\n`, () => process.exit(1));
  },
});
process.stdout.write('watching\n');
