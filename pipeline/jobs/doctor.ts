import { describeError, SamovarError } from '../errors.ts';

/** What a check found. A `warning` is for somebody to know; `failed` keeps something from working. */
export type CheckFinding =
  | { readonly state: 'ok' | 'skipped'; readonly detail: string }
  | { readonly state: 'warning' | 'failed'; readonly detail: string; readonly remedy: string };

export type CheckResult = CheckFinding & {
  /** Of the group: `configuration`, `database`, ... */
  readonly area: string;
  readonly name: string;
  readonly tookMs: number;
};

export interface Check {
  readonly area: string;
  readonly name: string;
  /** Asks something outside of this machine: not with --offline, and beside others. */
  readonly network?: boolean;
  /** What to do when it throws an error that does not say. */
  readonly remedy: string;
  run(signal: AbortSignal): CheckFinding | Promise<CheckFinding>;
}

export interface DoctorOptions {
  /** Of one check. */
  readonly timeoutMs: number;
  readonly offline: boolean;
  readonly signal: AbortSignal;
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonicMs: () => number;
}

/** Runs every check, whatever becomes of the others. Those of this machine one after another, those of the network at once. */
export async function runChecks(
  checks: readonly Check[],
  options: DoctorOptions,
): Promise<readonly CheckResult[]> {
  const results = new Map<Check, CheckResult>();
  for (const check of checks.filter(({ network }) => network !== true))
    results.set(check, await runCheck(check, options));
  const asking = checks.filter(({ network }) => network === true);
  await Promise.all(asking.map(async (check) => results.set(check, await runCheck(check, options))));
  return checks.flatMap((check) => results.get(check) ?? []);
}

async function runCheck(check: Check, options: DoctorOptions): Promise<CheckResult> {
  const { area, name } = check;
  const beganMs = options.monotonicMs();
  const finding =
    check.network === true && options.offline
      ? ({ state: 'skipped', detail: 'not asked: --offline' } as const)
      : await inTime(check, options);
  return { area, name, ...finding, tookMs: Math.round(options.monotonicMs() - beganMs) };
}

async function inTime(check: Check, { timeoutMs, signal }: DoctorOptions): Promise<CheckFinding> {
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CheckFinding>((resolve) => {
    timer = setTimeout(() => {
      resolve({ state: 'failed', detail: `no answer within ${timeoutMs / 1000} s`, remedy: check.remedy });
      ending.abort();
    }, timeoutMs);
  });
  const work = async (): Promise<CheckFinding> => {
    try {
      return await check.run(AbortSignal.any([signal, ending.signal]));
    } catch (error) {
      // The name stands beside it.
      const words = describeError(error).replaceAll(`${check.name}: `, '');
      return { state: 'failed', detail: words, remedy: remedyOf(error) ?? check.remedy };
    }
  };
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Rights and names are not what keeps an answer away. */
function remedyOf(error: unknown): string | undefined {
  if (!(error instanceof SamovarError)) return undefined;
  if (error.remedy !== undefined) return error.remedy;
  return error.code === 'network' || error.code === 'timeout'
    ? 'Check the way from this machine to there: DNS, proxy, firewall.'
    : undefined;
}

export const ok = (detail: string): CheckFinding => ({ state: 'ok', detail });
export const skipped = (detail: string): CheckFinding => ({ state: 'skipped', detail });
export const failed = (detail: string, remedy: string): CheckFinding => ({ state: 'failed', detail, remedy });
export const warning = (detail: string, remedy: string): CheckFinding => ({
  state: 'warning',
  detail,
  remedy,
});
