import { describe, expect, test } from 'vitest';
import { timeJson } from '../../pipeline/serve/json.ts';
import { keyCheck } from '../../pipeline/serve/key.ts';
import { maskOf } from '../../pipeline/serve/mask.ts';
import { issueNumberOf, ownerOf, parentOf } from '../../pipeline/serve/names.ts';
import { orderOf } from '../../pipeline/serve/order.ts';
import { pageTokens } from '../../pipeline/serve/token.ts';
import { refused } from './serving.ts';

describe('a field mask', () => {
  test('that is empty gives all but comments and reviews', () => {
    const { has } = maskOf({});
    expect(['title', 'body', 'labels'].every((field) => has(field as 'title'))).toBe(true);
    expect(has('comments') || has('reviews')).toBe(false);
    expect(maskOf({ comments: true }).has('comments')).toBe(true);
    expect(maskOf({ fieldMask: { paths: [''] } }).has('title')).toBe(true);
  });

  test('gives what it names, in either spelling, and what is asked for beside it', () => {
    const { has } = maskOf({ fieldMask: { paths: ['issue_id', ' isPr', 'no_such'] }, reviews: true });
    expect([has('issueId'), has('isPr'), has('reviews'), has('title'), has('comments')]).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('an order', () => {
  test('is a field and a direction', () => {
    expect(orderOf('')).toEqual({ by: 'number', descending: false });
    expect(orderOf('updated_at desc')).toEqual({ by: 'updated', descending: true });
    expect(orderOf(' createdAt  ASC ')).toEqual({ by: 'created', descending: false });
  });

  test.each(['title', 'updated_at down', 'updated_at, issue_id', '__proto__', 'constructor desc'])(
    '%s is refused with what there is',
    async (text) => {
      expect(await refused(() => orderOf(text))).toMatch(
        /^INVALID_ARGUMENT: order_by .*issue_id, created_at/,
      );
    },
  );
});

describe('names', () => {
  test.each([
    ['googleapis/google-cloud-python', 'googleapis', 'google-cloud-python'],
    ['foo/bar.io', 'foo', 'bar.io'],
    ['foo/foo:bar', 'foo', 'foo:bar'],
    ['foo/bar/issues/7', 'foo', 'bar'],
    ['owners/foo/repositories/bar', 'foo', 'bar'],
    ['owners/foo/repositories/bar/issues/7', 'foo', 'bar'],
    ['owners/foo', 'owners', 'foo'],
  ])('%s is of %s/%s', (text, owner, name) => {
    expect(parentOf(text)).toEqual({ owner, name });
  });

  test.each(['', 'foo', '/foo/bar', 'foo /bar', 'foo/'])('%j is no parent', async (text) => {
    expect(await refused(() => parentOf(text))).toBe(`FAILED_PRECONDITION: invalid parent: ${text}`);
  });

  test.each([
    ['o/r/issues/7', 7],
    ['owners/o/repositories/r/issues/7', 7],
    ['o/r/issues/0', undefined],
    ['o/r/issues/-1', undefined],
    ['o/r/issues/2147483648', undefined],
    ['o/r/issues/7/comments', undefined],
    ['o/r/pulls/7', undefined],
  ])('%s has the number %s', (text, number) => {
    expect(issueNumberOf(text)).toBe(number);
  });

  test('an owner may be any', () => {
    expect(['', '-', 'owners/*', 'owners/o', 'o', 'owners/o/repositories'].map(ownerOf)).toEqual([
      undefined,
      undefined,
      undefined,
      'o',
      'o',
      'o',
    ]);
  });
});

describe('a page token', () => {
  const tokens = pageTokens(Buffer.from('secret'));
  const place = { after: 7, timeUs: 5, segment: 1, offset: 2, startedMs: 3, total: 4 };
  const query = ['issues', 'o', 'r', 'a filter'];

  test('is read as it was written, by another server with the same secret too', () => {
    const token = tokens.write(query, place);
    expect(token).toMatch(/^[\w-]+$/);
    expect(tokens.read(query, token)).toEqual(place);
    expect(pageTokens(Buffer.from('secret')).read(query, token)).toEqual(place);
    // Written anew as standard base64, as some clients do.
    expect(tokens.read(query, Buffer.from(token, 'base64url').toString('base64'))).toEqual(place);
  });

  test('of another query, of another secret, or with a changed bit is refused', async () => {
    const token = tokens.write(query, place);
    const bytes = Buffer.from(token, 'base64url');
    const changed = Array.from(bytes, (_, at) => {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ 1;
      return copy.toString('base64url');
    });
    for (const bad of [...changed, '', 'x', '!', token.slice(0, -4), 'A'.repeat(2000)])
      expect(await refused(() => tokens.read(query, bad))).toMatch(/^INVALID_ARGUMENT: page_token/);
    expect(await refused(() => tokens.read([...query, 'b'], token))).toMatch(/^INVALID_ARGUMENT: page_token/);
    expect(await refused(() => pageTokens(Buffer.from('other')).read(query, token))).toMatch(
      /^INVALID_ARGUMENT/,
    );
  });

  test.each(['CAoSAwjcCw==', 'CAoSAA=='])('%s of the original is refused with its name', async (old) => {
    expect(await refused(() => tokens.read(query, old))).toMatch(/drghs-worker.*without one/);
  });
});

test('a key is right or not, whatever its length', () => {
  const allows = keyCheck('secret');
  expect([allows('secret'), allows('secre'), allows(''), allows(undefined)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(keyCheck(undefined)(undefined)).toBe(true);
});

test('times have the digits they need', () => {
  expect(timeJson({ seconds: 0 })).toBe('1970-01-01T00:00:00Z');
  expect(timeJson({ seconds: -1, nanos: 500_000_000 })).toBe('1969-12-31T23:59:59.500Z');
  expect(timeJson({ seconds: 1, nanos: 1_000 })).toBe('1970-01-01T00:00:01.000001Z');
  expect(timeJson({ seconds: 1, nanos: 1 })).toBe('1970-01-01T00:00:01.000000001Z');
});
