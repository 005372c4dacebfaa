import type { CommandModule } from 'yargs';
import { type Context, loadContext } from '../context.ts';
import { SamovarError } from '../errors.ts';
import { type Check, type CheckResult, runChecks } from '../jobs/doctor.ts';
import { versionChecks } from '../jobs/doctor-machine.ts';
import { doctorText } from '../show/doctor.ts';
import { checksOf } from './doctor-checks.ts';
import { type CommonArgs, placeOptions } from './run.ts';

type Args = CommonArgs & {
  readonly offline: boolean;
  readonly deep: boolean;
  readonly timeout: number;
};

export const doctorCommand: CommandModule<object, Args> = {
  command: 'doctor',
  describe: 'Check configuration, credentials, rights, databases, clock and versions, each with a remedy',
  builder: (yargs) =>
    placeOptions(yargs)
      .option('offline', { type: 'boolean', default: false, describe: 'Ask nothing outside of this machine' })
      .option('deep', {
        type: 'boolean',
        default: false,
        describe: 'Read databases over 1 GB whole, too: minutes, and not to be stopped half way',
      })
      .option('timeout', { type: 'number', default: 10, describe: 'Seconds that one check may take' })
      .example('$0 doctor', 'what keeps it from working')
      .example('$0 doctor --offline --json', 'for a program, on a machine without a network')
      .epilogue(
        'Exit status: 0 nothing failed, warnings or not; 1 a check failed. Changes nothing, and prints no secret: ' +
          'one cheap request to each bucket, the warehouse and the subscription, as a run would make it.',
      ),
  handler: async (args) => {
    if (!(args.timeout > 0))
      throw new SamovarError('config', '--timeout takes a number of seconds over 0', {
        remedy: 'Write it as in `samovar doctor --timeout 10`.',
      });
    let context: Context;
    try {
      context = await loadContext(args);
    } catch (error) {
      // The settings themselves are wrong: that is a finding, and the first to be told.
      await tell(await withoutSettings(error, args), args);
      return;
    }
    try {
      await tell(await run(context, args, await checksOf(context, args)), args);
    } finally {
      await context.close();
    }
  },
};

function run({ signal }: Pick<Context, 'signal'>, args: Args, checks: readonly Check[]) {
  const monotonicMs = () => performance.now();
  return runChecks(checks, { timeoutMs: args.timeout * 1000, offline: args.offline, signal, monotonicMs });
}

function withoutSettings(error: unknown, args: Args): Promise<readonly CheckResult[]> {
  if (!(error instanceof SamovarError)) throw error;
  const settings: Check = {
    area: 'configuration',
    name: 'settings',
    remedy: 'Correct what is named; docs/configuration.md lists every setting.',
    run: () => {
      throw error;
    },
  };
  const versions = versionChecks({ nodeVersion: process.version, openDuckDb: undefined });
  return run({ signal: new AbortController().signal }, args, [settings, ...versions]);
}

async function tell(results: readonly CheckResult[], args: Args): Promise<void> {
  const text = args.json === true ? JSON.stringify(results) : doctorText(results);
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(`${text}\n`, (error) => (error ? reject(error) : resolve()));
  });
  process.exitCode = results.some(({ state }) => state === 'failed') ? 1 : 0;
}
