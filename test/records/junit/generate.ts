import type { TestResult } from '../../../pipeline/records/junit/reader.ts';

/** A document and what it means, both made of one seed. */
export interface Generated {
  readonly text: string;
  readonly tests: readonly TestResult[];
  readonly skipped: number;
}

export type Random = (below: number) => number;

/** A small generator (mulberry32): the same numbers for the same seed, everywhere. */
export function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const WORDS = [
  'a',
  'größe',
  '日本',
  '🫖',
  '<',
  '>',
  '&',
  '"',
  "'",
  '\n',
  ' ',
  ']]>',
  '\x1b[0m',
  '&amp;',
  '<!--',
  '</failure>',
  'x',
];

interface Making {
  readonly random: Random;
  readonly tests: TestResult[];
  skipped: number;
}

export function generate(seed: number): Generated {
  const making: Making = { random: randomOf(seed), tests: [], skipped: 0 };
  const { random } = making;
  const root = random(2) === 0 ? 'testsuites' : 'testsuite';
  const head = random(2) === 0 ? '<?xml version="1.0" encoding="UTF-8"?>\n' : '';
  const text = `${head}<${root} name="never">${inside(making, '', 0)}</${root}>${random(2) === 0 ? '\n' : ''}`;
  return { text, tests: making.tests, skipped: making.skipped };
}

function inside(making: Making, prefix: string, depth: number): string {
  const { random } = making;
  const parts = Array.from({ length: random(4) + 1 }, () => {
    const kind = random(6);
    if (kind === 0 && depth < 5) return suite(making, prefix, depth);
    if (kind === 1) return noise(random);
    return testcase(making, prefix);
  });
  return parts.join(random(2) === 0 ? '\n  ' : '');
}

function suite(making: Making, prefix: string, depth: number): string {
  const name = words(making.random);
  return `<testsuite tests='9' name=${attribute(making.random, name)}>${inside(making, `${prefix}${name} `, depth + 1)}</testsuite>`;
}

function testcase(making: Making, prefix: string): string {
  const { random } = making;
  const name = words(random);
  const time = random(1_000) / 8;
  const head = `<testcase classname="c" time="${time}" name=${attribute(random, name)}`;
  const kind = random(5);
  if (kind === 0) {
    making.skipped += 1;
    return `${head}><skipped message=${attribute(random, words(random))}/></testcase>`;
  }
  const failures = kind === 1 ? Array.from({ length: random(3) + 1 }, () => failure(random)) : [];
  const failed =
    failures.length > 0
      ? { failed: true as const, failure_text: failures.map(({ text }) => text).join('\n') }
      : {};
  making.tests.push({ name: `${prefix}${name}`, time, ...failed });
  if (failures.length === 0 && random(2) === 0) return `${head}/>`;
  return `${head} >${failures.map(({ markup }) => markup).join(noise(random))}${noise(random)}</testcase>`;
}

function failure(random: Random): { readonly markup: string; readonly text: string } {
  const tag = random(3) === 0 ? 'error' : 'failure';
  const message = random(2) === 0 ? words(random) : '';
  const pieces = Array.from({ length: random(3) }, () => ({ cdata: random(3) === 0, text: words(random) }));
  const body = pieces.map(({ text }) => text).join('');
  const inner = pieces.map(({ cdata, text }) =>
    cdata ? `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>` : escaped(random, text),
  );
  const markup = `<${tag} type="T" message=${attribute(random, message)}>${inner.join('')}</${tag}>`;
  return {
    markup,
    text: message && body ? `${message}\n${body}` : message || body || 'No Failure Message Found',
  };
}

function noise(random: Random): string {
  const all = [
    '\n',
    '<properties><property name="testcase" value="&lt;"/></properties>',
    '<system-out>a &lt;testcase> <![CDATA[</system-out>]]></system-out>',
    '<system-err/>',
    '<!-- <testcase name="no"/> -->',
  ];
  return all[random(all.length)] ?? '';
}

function words(random: Random): string {
  const count = random(6) + 1;
  return Array.from({ length: count }, () => WORDS[random(WORDS.length)] ?? '').join('');
}

function attribute(random: Random, value: string): string {
  return random(2) === 0
    ? `"${escaped(random, value).replaceAll('\n', '&#10;')}"`
    : `'${escaped(random, value).replaceAll('\n', '&#xA;')}'`;
}

/** Each character that must be escaped is, in one of the ways there are; others sometimes. */
function escaped(random: Random, text: string): string {
  const names: Readonly<Record<string, string>> = {
    '<': 'lt',
    '>': 'gt',
    '&': 'amp',
    '"': 'quot',
    "'": 'apos',
  };
  return [...text]
    .map((character) => {
      const name = names[character];
      const code = character.codePointAt(0) ?? 0;
      if (name === undefined) return code > 0x7f && random(4) === 0 ? `&#x${code.toString(16)};` : character;
      return [`&${name};`, `&#${code};`, `&#x${code.toString(16).toUpperCase()};`][random(3)] ?? '';
    })
    .join('');
}
