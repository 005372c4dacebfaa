import { createReadStream } from 'node:fs';
import type { CommandModule } from 'yargs';
import { describeError, SamovarError } from '../errors.ts';
import { feedJunit } from '../records/junit/gunzip.ts';
import { createJunitReader, type JunitSummary, type TestResult } from '../records/junit/reader.ts';
import { readJunitTree, type SuiteNode, TREE_BYTES_MAX } from '../records/junit/tree.ts';
import { safeText } from '../show/text.ts';
import { type CommonArgs, print, withContext } from './run.ts';

type Args = Pick<CommonArgs, 'json'> & { readonly files?: readonly string[] | undefined };

/** Failing tests kept of one file: what is shown is for people. */
const FAILING_MAX = 1_000;
const TEXT_CHARS_MAX = 160;

/** A file that could not even be opened or read to its end. */
interface Unreadable {
  readonly file: string;
  readonly error: string;
}

interface FileReport {
  readonly file: string;
  readonly error?: undefined;
  readonly summary: JunitSummary;
  readonly failing: readonly TestResult[];
  /** Left out for a file that is too large, or that only the streaming reader could read. */
  readonly suites?: readonly SuiteNode[];
  readonly treeless?: string;
}

export const junitCommand: CommandModule<object, Args> = {
  command: 'junit <files..>',
  describe: 'Read local JUnit files and show their suites, failing tests and what is wrong with them',
  builder: (yargs) =>
    yargs
      .positional('files', { type: 'string', array: true, describe: 'JUnit files' })
      .option('json', { type: 'boolean', describe: 'Print the result as JSON' })
      .example('$0 junit artifacts/junit_01.xml', 'what a build would get of this file'),
  handler: (args) =>
    withContext({ json: args.json }, async (context) => {
      const reports: (FileReport | Unreadable)[] = [];
      for (const file of args.files ?? []) {
        const report = await readReport(file, context.signal);
        reports.push(report);
        if (args.json) continue;
        if (report.error === undefined) await print(context, textOf(report));
      }
      if (args.json) await print(context, JSON.stringify(reports));
      const unread = reports.flatMap((report) => (report.error === undefined ? [] : [report]));
      if (unread.length > 0)
        throw new SamovarError('missing', unread.map(({ file, error }) => `${file}: ${error}`).join('\n'), {
          remedy: 'Check that each file exists and that this user may read it; the others are told of above.',
        });
      return reports.every((report) => report.error !== undefined || report.summary.status === 'ok') ? 0 : 1;
    }),
};

async function readReport(file: string, signal: AbortSignal): Promise<FileReport | Unreadable> {
  const failing: TestResult[] = [];
  const reader = createJunitReader((test) => {
    if (test.failed && failing.length < FAILING_MAX) failing.push(test);
  });
  const small: Buffer[] = [];
  try {
    await feedJunit(reader, kept(createReadStream(file, { signal }), small));
  } catch (error) {
    if (signal.aborted) throw new SamovarError('aborted', `stopped while reading ${file}`, { cause: error });
    return { file, error: `it could not be read: ${describeError(error)}` };
  }
  const summary = reader.end();
  if (summary.status !== 'ok') return { file, summary, failing };
  if (summary.bytes > TREE_BYTES_MAX)
    return {
      file,
      summary,
      failing,
      treeless: `its suites are not shown: it has ${summary.bytes} bytes, more than ${TREE_BYTES_MAX}`,
    };
  try {
    return { file, summary, failing, suites: readJunitTree(Buffer.concat(small)).suites };
  } catch (error) {
    return { file, summary, failing, treeless: `its suites are not shown: ${describeError(error)}` };
  }
}

/** Passes the chunks on; those of a small file are kept for its tree. */
async function* kept(body: AsyncIterable<Buffer>, small: Buffer[]): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes <= TREE_BYTES_MAX) small.push(chunk);
    yield chunk;
  }
}

function textOf({ file, summary, failing, suites, treeless }: FileReport): string {
  const { status, run, failed, skipped, flaky } = summary;
  const reason = summary.reason === undefined ? '' : ` (${summary.reason})`;
  return [
    safeText(
      `${file}: ${status}${reason}, ${run} tests run, ${failed} failed, ${skipped} skipped, ${flaky.length} flaky`,
    ),
    ...(treeless === undefined ? [] : [safeText(`  ${treeless}`)]),
    ...(suites ?? []).flatMap((suite) => suiteLines(suite, 1)),
    ...(failing.length === 0 ? [] : ['  failing:']),
    ...failing.flatMap((test) => [
      `    ${safeText(test.name)}`,
      `      ${firstLine(test.failure_text ?? '')}`,
    ]),
    ...(failed > failing.length ? [`    and ${failed - failing.length} more`] : []),
  ].join('\n');
}

function suiteLines(suite: SuiteNode, depth: number): readonly string[] {
  const { name, tests, failures, skipped, children } = suite;
  const line = `${'  '.repeat(depth)}${safeText(name ?? '(no name)')}: ${tests} cases, ${failures} failed, ${skipped} skipped`;
  return [line, ...children.flatMap((child) => suiteLines(child, depth + 1))];
}

function firstLine(text: string): string {
  const line = text.split('\n').find((candidate) => candidate.trim() !== '') ?? '';
  return safeText(line.trim().slice(0, TEXT_CHARS_MAX).toWellFormed());
}
