import { describe, expect, test } from 'vitest';
import { createFilters } from '../../pipeline/serve/filter.ts';
import { celComment, celIssue } from '../../pipeline/serve/filter-types.ts';
import type { IssueMessage } from '../../pipeline/serve/messages.ts';
import { NOW_MS, refused } from './serving.ts';

const filters = createFilters();
const ISSUE: IssueMessage = {
  title: 'it fails',
  priority: 3,
  issueType: 1,
  labels: ['bug', 'P2'],
  issueId: 7,
  createdAt: { seconds: NOW_MS / 1000 - 3600 },
  reporter: { id: '9007199254740993', login: 'kim' },
  assignees: [{ id: '2', login: 'lee' }],
  comments: [{ id: '3', user: { login: 'kim' }, body: 'me too' }],
};

function holds(text: string, issue: IssueMessage = ISSUE): boolean {
  return filters.compile('issue', text)?.matching([issue], celIssue, NOW_MS).length === 1;
}

describe('a filter', () => {
  test.each([
    "issue.title == 'it fails'",
    "issue.priority == 'P2' && issue.issue_type == 'BUG'",
    "'bug' in issue.labels",
    "issue.labels.exists(l, l.startsWith('P'))",
    'issue.issue_id > 6',
    '!issue.closed && !issue.is_pr',
    "issue.created_at > timestamp('2026-11-20T10:00:00Z')",
    "now - issue.created_at < duration('2h')",
    'issue.reporter.id == 9007199254740993',
    "issue.assignees.exists(a, a.login == 'lee')",
    "issue.comments.all(c, c.user.login == 'kim')",
    "issue.title.matches('^it +f')",
    '!has(issue.closed_at)',
    "issue.closed_by.login == ''",
  ])('%s holds', (text) => expect(holds(text)).toBe(true));

  test.each([
    "issue.closed_at > timestamp('2000-01-01T00:00:00Z')",
    "issue.labels[5] == 'x'",
    '1 / issue.comments.size() == 7',
  ])('%s does not hold: what an issue has not got is not true of it', (text) => {
    expect(holds(text)).toBe(false);
  });

  test('on comments has the variable comment', () => {
    const filter = filters.compile('comment', "comment.user.login == 'kim'");
    const comments = [{ id: '1', user: { login: 'kim' } }, { id: '2', user: { login: 'lee' } }, { id: '3' }];
    expect(filter?.matching(comments, celComment, NOW_MS)).toEqual([comments[0]]);
  });

  test.each([
    ["issue.titel == 'x'", /does not fit the types: No such key: titel \(line 1, column 7\)/],
    ["issue.title == 'x' &&\n  issue.title == 3", /no such overload: string == int \(line 2, column 3\)/],
    ["issue.title == 'x", /cannot be read: .* \(line 1, column \d+\)/],
    ['issue.title', /it gives string, and must give bool/],
    ["comment.body == 'x'", /Unknown variable: comment/],
    [`${'('.repeat(100)}true${')'.repeat(100)}`, /cannot be read/],
    [`${'true && '.repeat(1000)}true`, /cannot be read|characters/],
    [`${' '.repeat(5000)}true`, /5004 characters, at most 4000/],
  ])('%j is refused', async (text, reason) => {
    const said = await refused(() => filters.compile('issue', text));
    expect(said).toMatch(/^INVALID_ARGUMENT: filter/);
    expect(said).toMatch(reason);
  });

  test('that takes too long ends, in a regular expression and in a loop of loops', async () => {
    const quick = createFilters({ sliceMs: 50 });
    const slow = {
      ...ISSUE,
      title: `${'a'.repeat(40)}!`,
      labels: Array.from({ length: 300 }, (_, at) => `l${at}`),
    };
    const loops = "issue.labels.all(a, issue.labels.all(b, issue.labels.all(c, a + b != c || a == '')))";
    for (const text of ["issue.title.matches('^(a+)+$')", loops]) {
      const filter = quick.compile('issue', text);
      expect(await refused(() => filter?.matching([slow], celIssue, NOW_MS))).toMatch(
        /^RESOURCE_EXHAUSTED: filter: it takes more than 50 ms/,
      );
    }
    // The next one is not hurt by it.
    expect(holds('issue.issue_id == 7')).toBe(true);
  });

  test('an empty one is none', () => {
    expect(filters.compile('issue', '  ')).toBeUndefined();
  });
});
