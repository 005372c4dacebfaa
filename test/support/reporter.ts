import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** What a skip may be for want of, and the command that shows that this machine has it. */
const PROVIDERS: readonly (readonly [RegExp, readonly [string, ...string[]]])[] = [
  [/\b(go|emulators?)\b/i, ['go', 'version']],
  [/\bpython3?\b/i, ['python3', '--version']],
  [/\bpypy3?\b/i, ['pypy3', '--version']],
  [/\bchromium\b/i, ['chromium', '--version']],
  [/\bgit\b/i, ['git', '--version']],
  [/\bgzip\b/i, ['gzip', '--version']],
];

export interface Skip {
  readonly name: string;
  readonly reason: string | undefined;
}

export interface Failed {
  readonly name: string;
  readonly why: string;
}

export interface Summary {
  readonly passed: number;
  /** What failed, each with the first line of why: whoever sees only the end of a long log needs no more. */
  readonly failures: readonly Failed[];
  /** What failed, and passed when its file was run again. */
  readonly unsteady: readonly Failed[];
  readonly skips: readonly Skip[];
}

/**
 * The end of a run: what failed, every skipped test with its reason, then `N passed, N failed, N skipped` alone on its line. A
 * skip without a reason that begins with `needs ` is a fault; with `strict` so is one for want of something that this machine has.
 */
export function summarise(
  summary: Summary,
  {
    strict,
    has,
  }: { readonly strict: boolean; readonly has: (command: readonly [string, ...string[]]) => boolean },
): { readonly lines: readonly string[]; readonly faults: number } {
  const lines = [
    ...summary.unsteady.map(({ name, why }) => `unsteady (passed when run again, alone): ${name}: ${why}`),
    ...summary.failures.map(({ name, why }) => `failed: ${name}: ${why}`),
  ];
  let faults = 0;
  for (const { name, reason } of summary.skips) {
    const fault = faultOf(reason, strict, has);
    if (fault !== undefined) faults += 1;
    lines.push(
      `skipped: ${name}: ${reason ?? 'no reason given'}${fault === undefined ? '' : ` (FAILURE: ${fault})`}`,
    );
  }
  const failed = summary.failures.length + faults;
  const skipped = summary.skips.length - faults;
  lines.push(`${summary.passed} passed, ${failed} failed, ${skipped} skipped`);
  return { lines, faults };
}

function faultOf(
  reason: string | undefined,
  strict: boolean,
  has: (command: readonly [string, ...string[]]) => boolean,
): string | undefined {
  if (reason === undefined || !/^needs \S/.test(reason)) return 'a skip must say `needs ` and what';
  if (!strict) return undefined;
  const provider = PROVIDERS.find(([pattern, command]) => pattern.test(reason) && has(command));
  return provider === undefined ? undefined : `this machine has ${provider[1][0]}, and CI=true`;
}

/** The note of `ctx.skip('needs …')`, or what stands in the name of the test or its suite: `… (needs …)`. */
export function reasonOf(note: string | undefined, fullName: string): string | undefined {
  return note ?? /\(?(needs [^()]+)\)?/.exec(fullName)?.[1];
}

/** What one test file did. */
interface FileResult {
  readonly passed: number;
  readonly failures: readonly Failed[];
  readonly skips: readonly Skip[];
}

/** What a run did, by test file; '' is what failed outside every test. */
export type Results = Readonly<Record<string, FileResult>>;

interface Run {
  readonly modules: readonly TestModule[];
  /** Errors outside every test. */
  readonly unhandled: readonly Failure[];
  /** Of `-t`. */
  readonly names: RegExp | undefined;
}

function resultsOf({ modules, unhandled, names }: Run): Results {
  const outside = unhandled.map((error) => ({ name: 'outside every test', why: whyOf([error]) }));
  return {
    ...(outside.length > 0 && { '': { passed: 0, failures: outside, skips: [] } }),
    ...Object.fromEntries(modules.map((module) => [module.relativeModuleId, resultOf(module, names)])),
  };
}

function resultOf(module: TestModule, names: RegExp | undefined): FileResult {
  const tests = [...module.children.allTests()];
  const failures = tests
    .filter((test) => test.result().state === 'failed')
    .map((test) => ({
      name: `${module.relativeModuleId} > ${test.fullName}`,
      why: whyOf(test.result().errors),
    }));
  // A file or a hook that broke has no failed test of its own, and must count.
  if (failures.length === 0 && !module.ok())
    failures.push({ name: module.relativeModuleId, why: whyOf(errorsOf(module)) });
  // Tests left out by a filter of names were not asked for.
  const asked = (test: TestCase) => names === undefined || names.test(test.fullName.replaceAll(' > ', ' '));
  return {
    passed: tests.filter((test) => test.result().state === 'passed').length,
    failures,
    skips: tests
      .filter((test) => test.result().state === 'skipped' && asked(test))
      .map((test) => skipOf(module, test)),
  };
}

/**
 * The results of a run and of a second one of the files that had failed: the second counts, and what it took back is told as
 * unsteady, for a test that fails once under load hides something all the same.
 */
export function merge(first: Results, second: Results): Summary {
  const files = Object.values({ ...first, ...second });
  const failures = files.flatMap((file) => file.failures);
  const unsteady = Object.entries(second)
    .flatMap(([file]) => first[file]?.failures ?? [])
    .filter(({ name }) => !failures.some((failure) => failure.name === name));
  return {
    passed: files.reduce((sum, file) => sum + file.passed, 0),
    failures,
    unsteady,
    skips: files.flatMap((file) => file.skips),
  };
}

/** What vitest has of an error; its own type is longer, and not exported for every place. */
interface Failure {
  readonly message?: string;
}

function errorsOf(module: TestModule): readonly Failure[] {
  const suites = [...module.children.allSuites()];
  return [...module.errors(), ...suites.flatMap((suite) => suite.errors())];
}

function whyOf(errors: readonly Failure[] | undefined): string {
  const [first = 'no reason given'] = stripVTControlCharacters(errors?.[0]?.message ?? '').match(/.+/) ?? [];
  return first.length > 300 ? `${first.slice(0, 300)}…` : first;
}

function skipOf(module: TestModule, test: TestCase): Skip {
  return {
    name: `${module.relativeModuleId} > ${test.fullName}`,
    reason: reasonOf(noteOf(test), test.fullName),
  };
}

function noteOf(test: TestCase): string | undefined {
  const result = test.result();
  return result.state === 'skipped' ? result.note : undefined;
}

function hasCommand([command, ...args]: readonly [string, ...string[]]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** For vitest.config.ts. */
let names: RegExp | undefined;
export const reporter: Reporter = {
  onInit(vitest) {
    names = vitest.config.testNamePattern;
  },
  onTestRunEnd(modules, unhandled) {
    const results = resultsOf({ modules, unhandled, names });
    const file = process.env.SAMOVAR_TEST_RESULTS;
    const first: Results = file && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    const strict = process.env.CI === 'true';
    const { lines, faults } = summarise(merge(first, results), { strict, has: hasCommand });
    if (faults > 0) process.exitCode = 1;
    const text = `${lines.join('\n')}\n`;
    // scripts/test prints the summary last, after all that vitest itself has to say.
    if (!file) return void process.stdout.write(text);
    writeFileSync(file, JSON.stringify(results));
    writeFileSync(`${file}.summary`, text);
    const failed = Object.keys(results).filter((name) => (results[name]?.failures.length ?? 0) > 0);
    writeFileSync(`${file}.failed`, failed.map((name) => `${name}\n`).join(''));
  },
};
