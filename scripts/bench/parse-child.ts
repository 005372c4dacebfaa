import { XMLParser } from 'fast-xml-parser';
import type * as Reader from '../../pipeline/records/junit/reader.ts';
import { givenToChild } from './child.ts';
import { type CorpusOptions, createCorpus } from './corpus/index.ts';
import type { Run } from './run.ts';
import { moduleUrl } from './samovar.ts';

/** Run by parse.ts in a process of its own. Ours is what is built: what runs in production. */
const { corpus, repeat } = givenToChild<{ readonly corpus: CorpusOptions; readonly repeat: number }>();
const { createJunitReader } = (await import(moduleUrl('records/junit/reader'))) as typeof Reader;

const CHUNK_BYTES = 65_536;
/** Files of one corpus are much alike: so many bytes of them tell what all would. */
const BYTES_MAX = 400e6;
const parser = new XMLParser({ ignoreAttributes: false });

function ours(file: Buffer): number {
  const reader = createJunitReader(() => undefined);
  for (let at = 0; at < file.length; at += CHUNK_BYTES) reader.push(file.subarray(at, at + CHUNK_BYTES));
  const { run, skipped } = reader.end();
  return run + skipped;
}

function search(file: Buffer): number {
  let cases = 0;
  for (let at = file.indexOf('<testcase '); at >= 0; at = file.indexOf('<testcase ', at + 1)) cases += 1;
  return cases;
}

const PASSES: Readonly<Record<string, (file: Buffer) => number>> = {
  samovar: ours,
  'fast-xml-parser': (file) => {
    parser.parse(file.toString());
    return 0;
  },
  'Buffer.indexOf': search,
};

function filesOf(): readonly Buffer[] {
  const { names, read } = createCorpus(corpus);
  const files: Buffer[] = [];
  let bytes = 0;
  for (const name of names) {
    if (!name.endsWith('.xml') || bytes >= BYTES_MAX) continue;
    const file = read(name) ?? Buffer.alloc(0);
    files.push(file);
    bytes += file.length;
  }
  return files;
}

function passOver(files: readonly Buffer[], side: string, pass: (file: Buffer) => number): Run {
  const xmlBytes = files.reduce((sum, file) => sum + file.length, 0);
  const started = performance.now();
  const before = process.cpuUsage();
  let rows = 0;
  for (const file of files) rows += pass(file);
  const { user, system } = process.cpuUsage(before);
  const [wallS, cpuS] = [(performance.now() - started) / 1000, (user + system) / 1e6];
  return {
    work: 'parse',
    side,
    wallS,
    cpuS,
    xmlBytes,
    bytesPerCpuS: xmlBytes / cpuS,
    ...(rows > 0 && { rows }),
  };
}

const files = filesOf();
// What runs first would pay for what the engine learns.
for (const pass of Object.values(PASSES)) for (const file of files.slice(0, 20)) pass(file);
const runs: Run[] = [];
for (let round = 0; round < repeat; round += 1)
  for (const [side, pass] of Object.entries(PASSES)) runs.push(passOver(files, side, pass));
process.stdout.write(JSON.stringify(runs));
