import { compareNames } from '../../../pipeline/backends/bucket/order.ts';
import { snowflakeAt } from '../../../pipeline/records/ids.ts';
import type { ServedBucket } from './index.ts';
import { documentOf } from './plain.ts';

const FOLDER = 'logs/ci-wide';

/** One build that is large in one way: cases, bytes of XML, or artifacts. */
export interface WideCorpus {
  readonly kind: 'wide';
  /** Cases of its one JUnit file; every hundredth failed. */
  readonly cases: number;
  /** The file is filled up to this size with the output of its tests. */
  readonly xmlBytes: number;
  /** Files beside it. */
  readonly artifacts: number;
  /** The build started two hours before this, epoch milliseconds. */
  readonly anchorMs: number;
}

export function wideCorpus({ cases, xmlBytes, artifacts, anchorMs }: WideCorpus): ServedBucket {
  const startedMs = anchorMs - 2 * 3_600_000;
  const id = snowflakeAt(startedMs);
  const folder = `${FOLDER}/${id}`;
  const junit = `${folder}/artifacts/junit_01.xml`;
  const names = [`${FOLDER}/latest-build.txt`, `${folder}/finished.json`, `${folder}/started.json`, junit];
  for (let index = 0; index < artifacts; index += 1)
    names.push(`${folder}/artifacts/node-${index % 100}/log-${String(index).padStart(6, '0')}.txt`);
  const known = new Set(names);
  return {
    names: names.sort(compareNames),
    read: (name) => {
      if (!known.has(name)) return undefined;
      if (name === junit) return wideJunit(cases, xmlBytes);
      if (name.endsWith('.json')) return documentOf(name, startedMs);
      return Buffer.from(name.endsWith('latest-build.txt') ? String(id) : 'a line\n');
    },
    linkOf: () => undefined,
  };
}

/** Cases with so much output that the file has the size that is wanted. */
function wideJunit(cases: number, xmlBytes: number): Buffer {
  const parts: Buffer[] = [
    Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<testsuite tests="${cases}">\n`),
  ];
  const room = Math.max(0, Math.floor(xmlBytes / cases) - 110);
  const line = 'I1121 12:00:00.000000   12345 controller.go:123] reconciled pod default/web-0 &amp; waits\n';
  const output = line.repeat(Math.ceil(room / line.length)).slice(0, room - (room % line.length));
  const out = output === '' ? '' : `<system-out>${output}</system-out>`;
  for (let index = 0; index < cases; index += 1) {
    const failure = index % 100 === 0 ? '<failure message="timed out">at util.go:12</failure>' : '';
    parts.push(
      Buffer.from(
        `<testcase name="case ${index} of one build" classname="wide" time="0.5">${failure}${out}</testcase>\n`,
      ),
    );
  }
  parts.push(Buffer.from('</testsuite>\n'));
  return Buffer.concat(parts);
}
