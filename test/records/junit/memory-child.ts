import { createJunitReader } from '../../../pipeline/records/junit/reader.ts';
import { ginkgoReport } from './ginkgo.ts';

/** Run by memory.test.ts in a process of its own: reads one kind of document and prints what it took. */
const MIB = 2 ** 20;

function* inputOf(kind: string): Generator<Buffer> {
  if (kind === 'report') yield* ginkgoReport(50 * MIB);
  if (kind === 'output')
    yield* repeated(
      '<testsuite><testcase name="a"><system-out><![CDATA[',
      'log <line> & more\n',
      ']]></system-out></testcase></testsuite>',
    );
  if (kind === 'value')
    yield* repeated(
      '<testsuite><testcase name="a"><failure message="',
      'value < & more &#10;',
      '"/></testcase></testsuite>',
    );
  if (kind === 'text')
    yield* repeated(
      '<testsuite><testcase name="a"><failure>',
      'text & more &lt; é\n',
      '</failure></testcase></testsuite>',
    );
  if (kind === 'references')
    yield* repeated(
      '<testsuite><testcase name="a"><failure>',
      '&lol9;&lol9;&lol9;',
      '</failure></testcase></testsuite>',
    );
  if (kind === 'laughs') yield Buffer.from(laughs());
}

function* repeated(head: string, unit: string, tail: string): Generator<Buffer> {
  const chunk = Buffer.from(unit.repeat(5_000));
  yield Buffer.from(head);
  for (let bytes = 0; bytes < 50 * MIB; bytes += chunk.length) yield Buffer.from(chunk);
  yield Buffer.from(tail);
}

/** Ten to the ninth: three gigabytes, once expanded. */
function laughs(): string {
  const entities = Array.from(
    { length: 9 },
    (_, at) => `<!ENTITY lol${at + 1} "${`&lol${at};`.repeat(10)}">`,
  );
  return `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol0 "lol">${entities.join('')}]><testsuite><testcase name="&lol9;"/></testsuite>`;
}

const [kind = '', mode = ''] = process.argv.slice(2);
const kept: Buffer[] = [];
let tests = 0;
const reader = createJunitReader(() => {
  tests += 1;
});
const before = process.memoryUsage().rss;
let peak = before;
for (const chunk of inputOf(kind)) {
  if (mode === 'hoard') kept.push(chunk);
  reader.push(chunk);
  peak = Math.max(peak, process.memoryUsage.rss());
}
const summary = reader.end();
process.stdout.write(
  JSON.stringify({
    grownMib: Math.round((peak - before) / MIB),
    tests,
    status: summary.status,
    bytes: summary.bytes,
    textsCut: summary.textsCut,
  }),
);
