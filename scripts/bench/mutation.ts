import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type GeneratedLog, generateLog } from './mutation-generate.ts';
import { PASSES, READ_SCRIPT } from './mutation-read.ts';
import { benchRequests, type RequestFigures } from './mutation-requests.ts';
import { benchServe, type ServeFigures } from './mutation-serve.ts';
import type { BenchOptions } from './options.ts';
import { aligned, type BenchResult, machine } from './report.ts';
import { short } from './statistics.ts';

/** maintner asks for comments, events and, of pull requests, reviews of each issue. */
const MAINTNER_PER_ISSUE = [2, 3] as const;
/** More of the fake GitHub's only take longer: what is asked grows with the pages. */
const SYNCED_ISSUES_MAX = 10_000;
const SERVE_REQUESTS = 2_000;

export interface PassFigures {
  readonly pass: (typeof PASSES)[number];
  readonly records: number;
  readonly wallS: number;
  readonly cpuS: number;
  readonly rssBytes: number;
}

export interface MutationResult {
  readonly bench: 'mutation-log';
  readonly options: Readonly<Record<string, unknown>>;
  readonly machine: BenchResult['machine'];
  readonly log: GeneratedLog;
  readonly dbBytes: number;
  readonly passes: readonly PassFigures[];
  readonly serve: readonly ServeFigures[];
  readonly requests: RequestFigures;
}

/** A mutation log of so many issues: read, replayed, served; and what it takes to sync one. */
export async function benchMutationLog({ issues, seed, log: say }: BenchOptions): Promise<MutationResult> {
  const folder = mkdtempSync(join(tmpdir(), 'samovar-bench-'));
  const db = join(folder, 'corpus.db');
  try {
    const log = generateLog(join(folder, 'logs'), issues, seed);
    say(`a log of ${short(log.bytes / 1e6)} MB`);
    const passes: PassFigures[] = [];
    for (const pass of PASSES) {
      passes.push({ pass, ...(await readPass(pass, join(folder, 'logs'), db)) });
      say(`${pass}: ${short(passes.at(-1)?.wallS)} s`);
    }
    const serve: ServeFigures[] = [];
    for (const pageSize of [100, 25]) {
      for (const clients of [1, 8]) {
        serve.push(await benchServe(db, { clients, pageSize, requests: SERVE_REQUESTS }));
        say(`${clients} clients, pages of ${pageSize}: p99 ${short(serve.at(-1)?.p99Ms)} ms`);
      }
    }
    const dbBytes = statSync(db).size;
    const requests = await benchRequests(folder, Math.min(issues, SYNCED_ISSUES_MAX));
    const options = { issues, seed };
    return { bench: 'mutation-log', options, machine: machine(), log, dbBytes, passes, serve, requests };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In a process of its own: memory and CPU time are of nothing else. */
async function readPass(pass: string, folder: string, db: string): Promise<Omit<PassFigures, 'pass'>> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    READ_SCRIPT,
    pass,
    folder,
    db,
  ]);
  return JSON.parse(stdout) as Omit<PassFigures, 'pass'>;
}

export function mutationText(result: MutationResult): string {
  const { log, dbBytes, passes, serve, requests, machine: on } = result;
  const { comments, events, reviews, records } = log;
  return [
    `mutation-log ${JSON.stringify(result.options)}`,
    `${on.cores} × ${on.cpu}, ${short(on.memoryBytes / 1e9)} GB, Node ${on.node}`,
    `${short(log.bytes / 1e6)} MB in ${log.segments} segments, ${records} records: ${comments} comments, ${events} events, ${reviews} reviews; database ${short(dbBytes / 1e6)} MB`,
    '',
    ...passLines(passes, log.bytes / 1e6),
    '',
    ...serveLines(serve),
    '',
    ...requestLines(requests),
  ].join('\n');
}

function passLines(passes: readonly PassFigures[], megabytes: number): readonly string[] {
  const bare = passes[0]?.cpuS ?? Number.NaN;
  return aligned([
    ['pass', '', 'wall s', 'MB/s', 'CPU s', 'MB/CPU s', 'peak RSS MB', 'CPU of verify'],
    ...passes.map(({ pass, wallS, cpuS, rssBytes }) => [
      ...[pass, ''],
      ...[wallS, megabytes / wallS, cpuS, megabytes / cpuS, rssBytes / 1e6].map(short),
      `${short(cpuS / bare)}×`,
    ]),
  ]);
}

function serveLines(serve: readonly ServeFigures[]): readonly string[] {
  return aligned([
    [
      ...[
        'ListIssues',
        '',
        'clients',
        'page',
        'requests',
        'KB/answer',
        'p50 ms',
        'p99 ms',
        'max ms',
        'CPU ms',
      ],
      ...['RSS MB before', 'after', 'SQLite alone p50', 'p99'],
    ],
    ...serve.map((one) => [
      ...['', '', String(one.clients), String(one.pageSize), String(one.requests)],
      ...[one.answerBytes / 1e3 / one.requests, one.p50Ms, one.p99Ms, one.maxMs, one.cpuMs].map(short),
      ...[one.rssBeforeBytes / 1e6, one.rssAfterBytes / 1e6, one.rawP50Ms, one.rawP99Ms].map(short),
    ]),
  ]);
}

function requestLines(requests: RequestFigures): readonly string[] {
  const { issues, pulls, comments, firstSync, firstByKind, idleSync, idleNotModified } = requests;
  const [least, most] = MAINTNER_PER_ISSUE.map((each) => each * issues) as [number, number];
  const kinds = Object.entries(firstByKind).map(([kind, count]) => `${kind} ${count}`);
  return [
    `first sync of ${issues} issues (${pulls} pull requests, ${comments} comments): ${firstSync} requests, ${short(firstSync / issues)} per issue; maintner ${least} to ${most}: ${short(least / firstSync)} to ${short(most / firstSync)} times as many`,
    `  ${kinds.join(', ')}`,
    `an idle sync: ${idleSync} requests, of which ${idleNotModified} answered 304`,
  ];
}
