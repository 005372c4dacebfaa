import { describe, expect, it } from 'vitest';
import { normalizeText } from '../../pipeline/triage/normalize.ts';

/** What becomes the same: two runs' texts, and what is left of both. */
const PAIRS: readonly (readonly [string, string, string, string])[] = [
  [
    'UUIDs',
    'pod 123e4567-e89b-12d3-a456-426614174000 is gone',
    'pod 9b2d8c10-0000-4ddd-8bbb-0123456789ab is gone',
    'pod <uuid> is gone',
  ],
  ['addresses of memory', 'nil at 0xc000123400', 'nil at 0x1f', 'nil at <hex>'],
  ['digests', 'image 4f2a9be1c77d is bad', 'image 00aa11bb22cc33dd is bad', 'image <hex> is bad'],
  [
    'IPv4 with ports',
    'dial 10.0.0.1:443: refused',
    'dial 192.168.7.13:6443: refused',
    'dial <address>: refused',
  ],
  [
    'IPv6',
    'dial [fd00::1]:443: refused',
    'dial [2001:db8::ff00:42]:8443: refused',
    'dial <address>: refused',
  ],
  [
    'ports',
    'dial localhost:34567: refused',
    'dial localhost:8080: refused',
    'dial localhost:<port>: refused',
  ],
  [
    'ISO times',
    'at 2026-11-20T10:11:12.5Z it ended',
    'at 2025-01-02 03:04:05 +0000 UTC it ended',
    'at <time> it ended',
  ],
  [
    'RFC times',
    'at Fri, 20 Nov 2026 10:11:12 +0000 it ended',
    'at Jan  2 03:04:05.123 it ended',
    'at <time> it ended',
  ],
  [
    'klog',
    'E1120 10:11:12.123456   12345 a.go:10] no',
    'W0102 01:02:03.000001       7 a.go:2345] no',
    '<time> a.go:<n>] no',
  ],
  ['dates', 'since 2026-11-20', 'since 2025/01/02', 'since <time>'],
  ['durations', 'after 120.001s', 'after 5m30s', 'after <duration>'],
  ['durations in words', 'after 300 seconds', 'after 2 minutes', 'after <duration>'],
  [
    'pods of deployments',
    'pod coredns-6d4b75cb6d-x7k2p failed',
    'pod coredns-787d4945fb-bcdfg failed',
    'pod coredns-<id> failed',
  ],
  ['suffixes of namespaces', 'namespace pods-7412', 'namespace pods-9041b', 'namespace pods-<id>'],
  [
    'nodes',
    'node gke-default-pool-1a2b-zzzz down',
    'node gke-default-pool-9f-q1 down',
    'node gke-default-pool-<id> down',
  ],
  ['temporary paths', 'open /tmp/go-build123/x: no', 'open /tmp/k8s.Ab12/x: no', 'open /tmp/<temp>/x: no'],
  ['lines of files', 'at a/b.go:123 +0x1d', 'at a/b.go:99 +0x2', 'at a/b.go:<n> +<hex>'],
  ['goroutines', 'goroutine 7 [running]', 'goroutine 123456 [running]', 'goroutine <n> [running]'],
  ['long numbers and fractions', 'used 12345 of 1.25', 'used 987654321 of 3.5', 'used <n> of <n>'],
  ['maps in any order', 'got map[a:1 b:2]', 'got map[b:2 a:1]', 'got map[a:1 b:2]'],
  ['colours', '\u001b[31mred\u001b[0m', 'red', 'red'],
  ['line ends and spaces', 'a  b \r\n\r\nc', 'a b\nc', 'a b\nc'],
  ['repeated lines', 'again\nagain\nagain', 'again', 'again'],
  ['no text', '', ' \n\t', '(no text)'],
];

describe('normalised texts', () => {
  it.each(PAIRS)('are the same for %s', (_, one, other, wanted) => {
    expect([normalizeText(one), normalizeText(other)]).toEqual([wanted, wanted]);
  });

  it.each([
    ['exit codes', 'exit status 1', 'exit status 137'],
    ['HTTP statuses', 'got 404 Not Found', 'got 503 Not Found'],
    ['counts', 'expected 2 pods', 'expected 3 pods'],
    ['names in words', 'service cluster-network failed', 'service cluster-storage failed'],
    ['paths that stay', 'open /etc/hosts', 'open /etc/passwd'],
    ['words of hex letters', 'the facade is bad', 'the decade is bad'],
  ])('differ still by %s', (_, one, other) => {
    expect(normalizeText(one)).not.toBe(normalizeText(other));
  });

  it('are normalised already', () => {
    for (const [, one, other] of PAIRS)
      for (const text of [one, other]) expect(normalizeText(normalizeText(text))).toBe(normalizeText(text));
  });

  it('are short and made quickly, whatever the text is', () => {
    const MEGA = 1 << 21;
    const hostile = [
      ...[
        'a',
        '0',
        'f',
        '9a',
        '-',
        '-2',
        '1.',
        ':',
        '::1',
        '[',
        'map[',
        '\u001b[',
        '\u001b]',
        '\n',
        ' ',
        '\u0000',
      ],
      ...[
        '/tmp/',
        '0x',
        '1:',
        '1h',
        '\ud83d\ude00',
        '\ud800',
        '2026-11-20 ',
        'Jan 1 ',
        '<n>.',
        '1.1.1.',
        'e',
      ],
    ];
    for (const part of hostile) {
      const text = part.repeat(Math.ceil(MEGA / part.length));
      const started = performance.now();
      const normal = normalizeText(text);
      // One that is quadratic takes minutes.
      expect(performance.now() - started, JSON.stringify(part)).toBeLessThan(5_000);
      expect(normal.length, JSON.stringify(part)).toBeLessThan(4_100);
      expect(normal.isWellFormed()).toBe(true);
    }
  }, 120_000);

  it('keep beginning and end of what is too long', () => {
    const normal = normalizeText(`first line\n${'some words in between '.repeat(10_000)}\nlast line`);
    expect(normal).toMatch(/^first line\n/);
    expect(normal).toMatch(/\nlast line$/);
    expect(normal).toContain('<cut>');
  });

  it('have no control characters but line ends', () => {
    const all = Array.from({ length: 0x2070 }, (_, code) => `x${String.fromCharCode(code)}y`).join('\n');
    expect(normalizeText(all.slice(0, 9_000))).not.toMatch(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/,
    );
  });
});
