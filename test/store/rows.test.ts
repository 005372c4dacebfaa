import { describe, expect, it } from 'vitest';
import type { RowKey } from '../../pipeline/store/rows.ts';
import { addRow, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();

describe('pending rows', () => {
  it('come in the order of time finished, then path, through any page size, each once', async () => {
    const store = testStore(folder);
    for (let at = 0; at < 25; at += 1)
      await addRow(store, { build: String(1000 - at), finishedAt: 5_000 + (at % 4) });
    const destination = store.ledger.destination('all');
    const filter = {
      destination,
      finishedSince: 0,
      finishedBefore: Number.MAX_SAFE_INTEGER,
      everything: false,
    };
    const whole = store.rows
      .pending(filter, undefined, 100)
      .map(({ finishedAt, path }) => ({ finishedAt, path }));
    const sorted = [...whole].sort((a, b) => a.finishedAt - b.finishedAt || (a.path < b.path ? -1 : 1));
    expect(whole).toEqual(sorted);
    for (const limit of [1, 3, 7]) {
      const seen: RowKey[] = [];
      for (
        let page = store.rows.pending(filter, undefined, limit);
        page.length > 0;
        page = store.rows.pending(filter, seen.at(-1), limit)
      ) {
        seen.push(...page.map(({ finishedAt, path }) => ({ finishedAt, path })));
      }
      expect(seen).toEqual(whole);
    }
  });

  it('keep to the window: since is in, before is out', async () => {
    const store = testStore(folder);
    for (const finishedAt of [9, 10, 19, 20]) await addRow(store, { build: String(finishedAt), finishedAt });
    const rows = store.rows.pending(
      {
        destination: store.ledger.destination('x'),
        finishedSince: 10,
        finishedBefore: 20,
        everything: false,
      },
      undefined,
      10,
    );
    expect(rows.map(({ finishedAt }) => finishedAt)).toEqual([10, 19]);
  });

  it('take over what Kettle emitted when the row is first made', async () => {
    const store = testStore(folder);
    const { id } = await addRow(store, { build: '7' });
    const destination = store.ledger.destination('build_emitted');
    const batch = store.ledger.begin(destination, false);
    store.ledger.add(batch, [{ item: id, version: 0 }]);
    store.ledger.commit(batch);
    await addRow(store, { build: '7' });
    const filter = {
      destination,
      finishedSince: 0,
      finishedBefore: Number.MAX_SAFE_INTEGER,
      everything: false,
    };
    expect(store.rows.pending(filter, undefined, 10)).toEqual([]);
  });
});
