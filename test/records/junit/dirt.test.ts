import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { linesOf, read, readFed } from './read.ts';

const suite = (inner: string) => `<testsuite name="s">${inner}</testsuite>`;
const failing = (body: string) => suite(`<testcase name="t"><failure>${body}</failure></testcase>`);
const named = (name: string, declaration = '') => `${declaration}${suite(`<testcase name="${name}"/>`)}`;
const textOf = (input: string | Uint8Array) => read(input).tests[0]?.failure_text;
const nameOf = (input: string | Uint8Array) => read(input).tests[0]?.name;
const latin1 = (text: string) => Buffer.from(text, 'latin1');
const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();

describe('encodings', () => {
  const text = named('größe 日本 🫖', '<?xml version="1.0" encoding="UTF-16"?>');
  test.each([
    ['UTF-8 with a byte order mark', Buffer.from(`\u{feff}${named('größe 日本 🫖')}`)],
    ['UTF-8 declared as UTF-16', Buffer.from(text)],
    [
      'UTF-8 declared as nothing known',
      Buffer.from(named('größe 日本 🫖', '<?xml version="1.0" encoding="klingon"?>')),
    ],
    ['UTF-16 LE with a byte order mark', Buffer.from(`\u{feff}${text}`, 'utf16le')],
    ['UTF-16 LE without', Buffer.from(text, 'utf16le')],
    ['UTF-16 BE with a byte order mark', utf16be(`\u{feff}${text}`)],
    ['UTF-16 BE without', utf16be(text)],
  ])('%s', (_, bytes) => {
    expect(nameOf(bytes)).toBe('größe 日本 🫖');
    expect(read(bytes, { chunkBytes: 1 })).toEqual(read(bytes));
  });

  test.each(['iso-8859-1', 'latin1', 'windows-1252'])('bytes declared as %s', (label) => {
    expect(nameOf(latin1(named('gr\xf6\xdfe', `<?xml version='1.0' encoding='${label}'?>`)))).toBe('größe');
  });

  test.each(['utf8', 'UTF-8', 'utf-8'])(
    'bytes of another encoding declared as %s become U+FFFD and stop nothing',
    (label) => {
      const { tests, summary } = read(
        latin1(named('gr\xf6\xdfe', `<?xml version="1.0" encoding="${label}"?>`)),
      );
      expect(tests).toEqual([{ name: 'gr\u{fffd}\u{fffd}e', time: 0 }]);
      expect(summary.status).toBe('ok');
    },
  );

  test('the utf8 alias is UTF-8', () =>
    expect(nameOf(named('größe', '<?xml version="1.0" encoding="utf8"?>'))).toBe('größe'));
});

describe('characters', () => {
  test.each([
    ['raw ANSI escapes', '\x1b[31mred\x1b[0m', '\x1b[31mred\x1b[0m'],
    ['control characters', 'a\x01\x08\x0b\x0c\x1fz', 'a\x01\x08\x0b\x0c\x1fz'],
    ['U+FFFE and U+FFFF', 'a\u{fffe}\u{ffff}z', 'a\u{fffe}\u{ffff}z'],
    ['NUL', 'a\0z', 'a\u{fffd}z'],
    ['references to control characters', '&#x1b;[0m&#7;', '\x1b[0m\x07'],
    ['references to no character', '&#0;&#xD800;&#x110000;', '\u{fffd}\u{fffd}\u{fffd}'],
    ['the five references and numbers', '&lt;&gt;&amp;&quot;&apos;&#65;&#x1F375;', `<>&"'A🍵`],
    ['an expansion is not expanded again', '&amp;lt;', '&lt;'],
    ['other entities stay', '&nbsp;&foo;&LT;', '&nbsp;&foo;&LT;'],
    ['unescaped ampersands', 'a & b && c &; &# &#x; R&D', 'a & b && c &; &# &#x; R&D'],
    [
      'a stray < before a space, digit, sign or dash',
      'a < b, 1 <2, x<=y, <- , <—',
      'a < b, 1 <2, x<=y, <- , <—',
    ],
    ['line ends as XML has them', 'a\r\nb\rc\nd', 'a\nb\nc\nd'],
    ['CDATA', 'a<![CDATA[<b> & &lt; ]] ]>]]>z', 'a<b> & &lt; ]] ]>z'],
    ['comments in text', 'a<!-- <b> -- & -->z', 'az'],
    ['instructions in text', 'a<?php echo "</failure>" ?>z', 'az'],
    ['text after a child element is not the text', 'a<b>c</b>d', 'a'],
  ])('%s', (_, body, expected) => {
    expect(textOf(failing(body))).toBe(expected);
    expect(read(failing(body)).summary.status).toBe('ok');
    expect(read(failing(body), { chunkBytes: 1 })).toEqual(read(failing(body)));
  });

  test('attributes: white space is normalised, references are not, < and > stand', () => {
    expect(nameOf(named('a\tb\r\nc\nd&#10;e <f> & g'))).toBe('a b c d\ne <f> & g');
  });

  test('a value in single quotes holds double ones', () => {
    expect(nameOf(suite(`<testcase name='say "hi"' />`))).toBe('say "hi"');
  });

  test('of two attributes of one name, the first counts', () => {
    expect(nameOf(suite('<testcase name="1" name="2"/>'))).toBe('1');
  });

  test('captured output may hold anything: tags, ends of others, a whole document', () => {
    const output =
      '<nil> </testcase> <testcase name="x"> </system-outer> <! <? & <![CDATA[ </system-out> ]]>';
    const text = suite(
      `<testcase name="a"><system-out>${output}</system-out></testcase><testcase name="b"/>`,
    );
    expect(linesOf(read(text).tests)).toEqual(['pass 0 a', 'pass 0 b']);
    expect(read(text, { chunkBytes: 1 })).toEqual(read(text));
  });
});

describe('document types', () => {
  const laughs = `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;">]>${named('&lol1;')}`;
  test.each([
    ['an internal subset', laughs],
    ['a system identifier', `<!DOCTYPE s SYSTEM "file:///etc/passwd">${named('a')}`],
    ['a public identifier', `<!DOCTYPE s PUBLIC "-//X" "http://192.0.2.1/x.dtd">${named('a')}`],
    ['a type without an end', `<!DOCTYPE ${' '.repeat(10_000)}`],
  ])('%s is refused', (_, text) => {
    const { tests, summary } = read(text);
    expect(tests).toEqual([]);
    expect(summary.status).toBe('refused');
    expect(summary.reason).toMatch(/^line 1: .*document type/);
    expect(read(text, { chunkBytes: 1 }).summary.status).toBe('refused');
  });

  test('a bare type may pass: it declares nothing', () => {
    expect(read(`<?xml version="1.0"?><!DOCTYPE testsuite>${named('a &foo;')}`).tests).toEqual([
      { name: 'a &foo;', time: 0 },
    ]);
  });
});

describe('files that end or break', () => {
  const case1 = '<testcase name="1"/>\n';
  test.each([
    ['nothing', '', 'empty', /nothing but white space/],
    ['white space', ' \r\n\t ', 'empty', /nothing but white space/],
    ['a declaration only', '<?xml version="1.0"?>', 'truncated', /before its root/],
    ['JSON', '{"kind": "Status", "code": 404}', 'not-junit', /^line 1: it looks like JSON: .*Status/],
    ['a JSON list', '\n[{"a": 1}]', 'not-junit', /JSON/],
    ['HTML', '<!DOCTYPE html>\n<html><body>502</body></html>', 'not-junit', /HTML/],
    ['XHTML', '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0" "x"><html/>', 'not-junit', /HTML/],
    ['HTML without a type', '<html><body>502 Bad Gateway</body></html>', 'not-junit', /HTML/],
    [
      "an object store's error",
      '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>',
      'not-junit',
      /object store.*<Error>/,
    ],
    ['other XML', '<coverage version="1"/>', 'not-junit', /the root element is <coverage>/],
    ['plain text', 'Killed\n', 'not-junit', /plain text: "Killed/],
    ['binary data', '\x00\x01\x02PNG', 'not-junit', /binary data/],
  ])('%s', (_, text, status, reason) => {
    const { tests, summary } = read(text);
    expect(tests).toEqual([]);
    expect(summary).toMatchObject({ status, reason: expect.stringMatching(reason) });
  });

  test.each([
    ['in a tag', `<testsuite>${case1}<testcase na`, /line 2: .*inside <testcase>, after 1 complete/],
    ['in a value', `<testsuite>${case1}<testcase name="2`, /inside <testcase>/],
    ['in a text', `<testsuite>${case1}<testcase name="2"><failure>tex`, /inside <failure>/],
    ['in CDATA', `<testsuite>${case1}<testcase name="2"><failure><![CDATA[tex]]`, /inside <failure>/],
    ['in output', `<testsuite>${case1}<testcase name="2"><system-out>tex</system-`, /inside <system-out>/],
    ['between cases', `<testsuite>${case1}`, /inside <testsuite>/],
  ])('cut short %s: complete cases stay', (_, text, reason) => {
    const { tests, summary } = read(text);
    expect(tests).toEqual([{ name: '1', time: 0 }]);
    expect(summary).toMatchObject({ status: 'truncated', run: 1, reason: expect.stringMatching(reason) });
    expect(read(text, { chunkBytes: 1 })).toEqual({ tests, summary });
  });

  test('every cut of a file gives the cases that are complete, and says truncated', () => {
    const text = `<testsuites><testsuite name="s">${case1}<testcase name="2"><failure message="m">b</failure></testcase></testsuite></testsuites>`;
    for (let length = 1; length < text.length; length += 1) {
      const { tests, summary } = read(text.slice(0, length));
      const complete = ['<testcase name="1"/>', '</failure></testcase>'].filter((end) =>
        text.slice(0, length).includes(end),
      );
      expect([length, tests.length, summary.status]).toEqual([length, complete.length, 'truncated']);
    }
  });

  test.each([
    [
      'an end tag of another element',
      `<testsuite>\n${case1}</testcase>`,
      /^line 3: "<\/testcase>" where <\/testsuite> belongs/,
    ],
    ['an end tag after the end', `${suite(case1)}</testsuite>`, /with nothing open/],
    ['text after the end', `${suite(case1)}junk`, /after the end of the document/],
    ['another root after the end', `${suite(case1)}<html/>`, /<html>/],
    ['a tag in a tag', `<testsuite>${case1}<testcase <b/>`, /without a quoted value/],
    ['a value without quotes', `<testsuite>${case1}<testcase name=a/>`, /without a quoted value.*name=a/],
    ['a type inside', `<testsuite>${case1}<!DOCTYPE a>`, /no such markup/],
    ['a name without end', `<testsuite>${case1}<${'a'.repeat(10_000)}`, /does not end/],
    ['too much nesting', `<testsuite>${case1}${'<a>'.repeat(1_000)}`, /more than 256 elements/],
  ])('%s is malformed, cases up to there stay', (_, text, reason) => {
    const { tests, summary } = read(text);
    expect(tests).toEqual([{ name: '1', time: 0 }]);
    expect(summary).toMatchObject({ status: 'malformed', reason: expect.stringMatching(reason) });
  });

  test('two documents in one file are both read, whatever stands between', () => {
    const text = `\u{feff}<?xml version="1.0"?>${suite(case1)}\n\0\u{feff}<?xml version="1.0"?><!-- 2 --><testsuites><testsuite name="x"><testcase name="2"/></testsuite></testsuites>\n`;
    expect(linesOf(read(text).tests)).toEqual(['pass 0 1', 'pass 0 x 2']);
    expect(read(text, { chunkBytes: 1 })).toEqual(read(text));
    expect(read(text).summary.status).toBe('ok');
  });
});

describe('gzip that nobody told of', () => {
  const text = suite(
    Array.from({ length: 5_000 }, (_, at) => `<testcase name="größe ${at * at}" time="${at}"/>`).join('\n'),
  );
  const sizes = [1, 1_000, 1 << 20];
  test.each([0, 1, 6, 9])('level %i is unpacked', async (level) => {
    const packed = gzipSync(text, { level });
    for (const chunkBytes of sizes)
      expect(await readFed(packed, { chunkBytes })).toEqual(await readFed(Buffer.from(text)));
  });

  test('several members are one file, and padding after them is nothing', async () => {
    const half = text.length / 2;
    const packed = Buffer.concat([
      gzipSync(text.slice(0, half)),
      gzipSync(text.slice(half)),
      Buffer.alloc(512),
    ]);
    for (const chunkBytes of sizes)
      expect(await readFed(packed, { chunkBytes })).toEqual(await readFed(Buffer.from(text)));
  });

  test('a stream that breaks off is truncated; its cases stay', async () => {
    const packed = gzipSync(text);
    const { tests, summary } = await readFed(packed.subarray(0, packed.length / 2));
    expect(summary).toMatchObject({
      status: 'truncated',
      reason: expect.stringMatching(/gzip stream .* breaks off/),
    });
    expect(tests.length).toBeGreaterThan(1_000);
    expect(tests).toEqual(read(text).tests.slice(0, tests.length));
    expect((await readFed(packed.subarray(0, -1))).summary.status).toBe('truncated');
  });

  test('a damaged stream is malformed', async () => {
    const checksum = Buffer.from(gzipSync(text));
    checksum[checksum.length - 6] = (checksum[checksum.length - 6] ?? 0) ^ 1;
    expect((await readFed(checksum)).summary).toMatchObject({
      status: 'malformed',
      reason: expect.stringMatching(/gzip.*data check/),
    });
    const block = Buffer.from(gzipSync(text));
    block[10] = 7;
    expect((await readFed(block)).summary).toMatchObject({
      status: 'malformed',
      reason: expect.stringMatching(/gzip.*block/),
    });
  });

  test('a bomb ends as too large, long before it is unpacked', async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from('<testsuite>'), Buffer.alloc(200 * 2 ** 20, 0x20)]));
    const { summary } = await readFed(bomb);
    expect(summary).toMatchObject({
      status: 'too-large',
      reason: expect.stringMatching(/200 times its size/),
    });
    expect(summary.bytes).toBeLessThan(64 * 2 ** 20);
  });
});

describe('limits', () => {
  const many = suite('<testcase name="a"/>'.repeat(100));
  test('a file past its bytes is too large, packed or not', async () => {
    expect(read(many, { fileBytesMax: 1_000, chunkBytes: 500 }).summary).toMatchObject({
      status: 'too-large',
      reason: expect.stringMatching(/1000 bytes/),
    });
    expect((await readFed(gzipSync(many), { fileBytesMax: 1_000 })).summary.status).toBe('too-large');
    expect(read(many, { fileBytesMax: many.length }).summary.status).toBe('ok');
  });

  test('so do too many cases; those up to the limit stay', () => {
    const { tests, summary } = read(many, { testsMax: 10 });
    expect(tests).toHaveLength(10);
    expect(summary).toMatchObject({ status: 'too-large', reason: expect.stringMatching(/10 testcases/) });
  });

  test.each(['é', '🫖', '&lt;', '&#x1F375;', 'a'])(
    'a long failure text of %j is cut at a whole character, and says so',
    (unit) => {
      for (let failureTextBytesMax = 20; failureTextBytesMax < 32; failureTextBytesMax += 1) {
        const { tests, summary } = read(failing(unit.repeat(50)), { failureTextBytesMax });
        const [kept, mark, ...more] = (tests[0]?.failure_text ?? '').split('\n');
        const whole = read(failing(unit)).tests[0]?.failure_text ?? '';
        const units = Math.floor(failureTextBytesMax / Buffer.byteLength(unit));
        expect(kept).toBe(whole.repeat(units));
        expect([mark, more]).toEqual([
          `… [cut: ${50 * Buffer.byteLength(unit) - failureTextBytesMax} bytes more in the file]`,
          [],
        ]);
        expect(summary.textsCut).toBe(1);
      }
    },
  );

  test('the limit is for all texts of one test, and each test has it anew', () => {
    const text = suite(
      `<testcase name="a">${'<failure message="1234">5678</failure>'.repeat(10)}</testcase>`.repeat(2),
    );
    const { tests, summary } = read(text, { failureTextBytesMax: 20 });
    expect(tests).toHaveLength(2);
    for (const { failure_text = '' } of tests)
      expect(failure_text).toMatch(/^1234\n5678\n1234\n5678\n1234\n.*cut: 60 bytes/);
    expect(summary).toMatchObject({ status: 'ok', textsCut: 2 });
  });

  test('a name of megabytes is cut', () => {
    for (const chunkBytes of [1_000, 1 << 24]) {
      const { tests } = read(named('é'.repeat(1 << 20)), { chunkBytes });
      expect(tests[0]?.name).toBe(`${'é'.repeat(8_192)}…`);
    }
  });
});
