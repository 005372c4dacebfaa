import { describe, expect, onTestFinished, test } from 'vitest';
import type { SyncContext } from '../../pipeline/jobs/mutation-sync-state.ts';
import { type Deeds, deedsIn } from '../support/github-deeds.ts';
import { worldView } from '../support/github-state.ts';
import { type Following, follow } from '../support/github-sync.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const KILLED = new Error('killed');

/** A small repository in which each thing that has a way of its own is once. */
function beginning(deeds: Deeds): void {
  deeds.issue({ body: 'text', labels: ['bug'] });
  deeds.pull({ title: 'A change' });
  deeds.comment(1, 'First!');
  deeds.reviewComment(2, deeds.review(2, 'APPROVED'), 'here');
  deeds.close(1);
}

function more(deeds: Deeds): void {
  deeds.edit(1, { body: 'changed' });
  deeds.setPull(2, { commits: 7 });
  deeds.label(2, 'bug', 'new');
  deeds.issue();
  deeds.comment(3, 'Second!');
  const [first] = [...deeds.repo.comments.keys()];
  deeds.editComment(first as number, 'First, changed');
}

/** Everything that a turn does outside itself is counted; the n-th is not done, or done and not returned from, and nothing after it. */
function killedAt(n: number, when: 'before' | 'after', count: { done: number }) {
  const step = <T>(work: () => T): T => {
    count.done += 1;
    if (count.done > n || (count.done === n && when === 'before')) throw KILLED;
    const result = work();
    if (count.done === n) throw KILLED;
    return result;
  };
  const awaited = async <T>(work: () => Promise<T>): Promise<T> => {
    count.done += 1;
    if (count.done > n || (count.done === n && when === 'before')) throw KILLED;
    const result = await work();
    if (count.done === n) throw KILLED;
    return result;
  };
  // To have asked and not to have heard is the same as not to have asked.
  const asked = <T>(work: () => Promise<T>) => (when === 'after' && count.done < n ? work() : awaited(work));
  return (context: SyncContext): SyncContext => ({
    ...context,
    store: { ...context.store, transaction: (work) => step(() => context.store.transaction(work)) },
    github: {
      ...context.github,
      get: (...given) => asked(() => context.github.get(...given)),
      graphql: (...given) => asked(() => context.github.graphql(...given)),
    },
    openWriter: async (...given) => {
      const writer = await context.openWriter(...given);
      // Files are left open by nobody, not even here; by then it is over.
      onTestFinished(() => writer.close().catch(() => undefined));
      return {
        ...writer,
        append: (payloads) => awaited(() => writer.append(payloads)),
        flush: (options) => awaited(() => writer.flush(options)),
        // A process that is killed does not bring the bucket up to date.
        close: async () => (count.done >= n ? undefined : writer.close()),
      };
    },
  });
}

/** Turns killed at their n-th deed, for every n, and each time begun anew until one comes through. */
async function throughKills(following: Following, n: number, when: 'before' | 'after'): Promise<boolean> {
  const count = { done: 0 };
  const killed = await following.turn({}, killedAt(n, when, count)).then(
    () => false,
    (error: unknown) => {
      if (error !== KILLED) throw error;
      return true;
    },
  );
  if (killed) await following.turn();
  return killed;
}

async function expectSame(following: Following, deeds: Deeds): Promise<void> {
  const wanted = worldView(following.server.world, deeds.repo);
  expect(following.known()).toEqual(wanted);
  expect(await following.replayed()).toEqual(wanted);
}

describe.each(['before', 'after'] as const)('killed %s it was done', (when) => {
  test('the n-th deed of a first turn, for every n: the next turn ends with what GitHub has', async () => {
    for (let n = 1; ; n += 1) {
      const following = await follow(folder);
      const deeds = deedsIn(following.server.world, 'o/r');
      beginning(deeds);
      const killed = await throughKills(following, n, when);
      await expectSame(following, deeds);
      await following.server.close();
      if (killed) continue;
      expect(n).toBeGreaterThan(when === 'before' ? 25 : 15);
      return;
    }
  }, 300_000);

  test('the n-th deed of a later turn, for every n: what happened in between is not lost', async () => {
    const following = await follow(folder);
    const deeds = deedsIn(following.server.world, 'o/r');
    beginning(deeds);
    await following.turn();
    for (let n = 1; ; n += 1) {
      more(deeds);
      const killed = await throughKills(following, n, when);
      await expectSame(following, deeds);
      if (killed) continue;
      expect(n).toBeGreaterThan(when === 'before' ? 15 : 8);
      return;
    }
  }, 300_000);
});
