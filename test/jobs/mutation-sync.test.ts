import { expect, test } from 'vitest';
import { type Deeds, deedsIn } from '../support/github-deeds.ts';
import { worldView } from '../support/github-state.ts';
import { type Following, follow } from '../support/github-sync.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();

/** Issues and pull requests with everything that they can have. */
function aLife(deeds: Deeds): void {
  for (let n = 0; n < 5; n += 1) deeds.issue({ body: `text ${n}`, labels: n % 2 === 0 ? ['bug'] : [] });
  deeds.pull({ title: 'A change', body: null });
  deeds.pull({ pull: { draft: true, headRepo: undefined, baseRef: 'next' } });
  deeds.label(2, 'bug', 'help wanted');
  deeds.assign(2, 'ann', 'bob');
  deeds.milestone(2, 'v1');
  deeds.comment(1, 'First!');
  deeds.comment(1, 'Second', 'ann');
  deeds.close(3, 'not_planned');
  deeds.close(4);
  deeds.reopen(4);
  deeds.lock(5, true);
  const review = deeds.review(6, 'CHANGES_REQUESTED', 'no');
  deeds.reviewComment(6, review, 'why?');
  deeds.review(6, 'APPROVED');
  deeds.merge(6);
}

async function started(options: Parameters<typeof follow>[1] = {}) {
  const following = await follow(folder, options);
  const deeds = deedsIn(following.server.world, 'o/r');
  return { following, deeds };
}

async function expectSame(following: Following, deeds: Deeds): Promise<void> {
  const wanted = worldView(following.server.world, deeds.repo);
  expect(following.known()).toEqual(wanted);
  expect(await following.replayed()).toEqual(wanted);
}

test('the log adds up to what GitHub has, field by field', async () => {
  const { following, deeds } = await started();
  aLife(deeds);
  await following.turn();
  await expectSame(following, deeds);
});
