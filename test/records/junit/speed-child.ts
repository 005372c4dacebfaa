import { XMLParser } from 'fast-xml-parser';
import { createJunitReader } from '../../../pipeline/records/junit/reader.ts';
import { ginkgoReport } from './ginkgo.ts';

/**
 * Run by speed.test.ts in a process of its own, as a test runner rewrites imports and so slows what it measures. Prints MB per second of
 * CPU time, the best of some rounds: `samovar`, `fast-xml-parser`, and `indexOf`, a search that only counts testcases.
 * Arguments: bytes of the report, rounds.
 */
const [bytes = '4000000', rounds = '12'] = process.argv.slice(2);
const CHUNK_BYTES = 65_536;
const report = Buffer.concat([...ginkgoReport(Number(bytes))]);

function scan(): number {
  const reader = createJunitReader(() => undefined);
  for (let at = 0; at < report.length; at += CHUNK_BYTES) reader.push(report.subarray(at, at + CHUNK_BYTES));
  const { run, skipped } = reader.end();
  return run + skipped;
}

function count(): number {
  let cases = 0;
  for (let at = report.indexOf('<testcase '); at >= 0; at = report.indexOf('<testcase ', at + 1)) cases += 1;
  return cases;
}

function mbPerSecond(work: () => void, times: number): number {
  let best = 0;
  for (let round = 0; round < times; round += 1) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, report.length / (user + system));
  }
  return Math.round(best);
}

const text = report.toString();
const parser = new XMLParser({ ignoreAttributes: false });
const figures = {
  samovar: mbPerSecond(scan, Number(rounds)),
  'fast-xml-parser': mbPerSecond(() => parser.parse(text), 3),
  indexOf: mbPerSecond(count, Number(rounds)),
};
process.stdout.write(JSON.stringify({ ...figures, bytes: report.length, same: scan() === count() }));
