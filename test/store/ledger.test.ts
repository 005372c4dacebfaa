import { describe, expect, it } from 'vitest';
import { addRow, NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const everything = { finishedSince: 0, finishedBefore: Number.MAX_SAFE_INTEGER, everything: false };

describe('the ledger', () => {
  it('does not emit again what is pending, sent or committed, and frees what is discarded', async () => {
    const store = testStore(folder);
    const { id } = await addRow(store);
    const destination = store.ledger.destination('day');
    const pending = () => store.rows.pending({ ...everything, destination }, undefined, 10);
    const version = pending()[0]?.version ?? 0;
    expect(pending()).toHaveLength(1);

    const batch = store.ledger.begin(destination, false);
    store.ledger.add(batch, [{ item: id, version }]);
    expect(pending()).toHaveLength(0);
    store.ledger.discard(batch);
    expect(pending()).toHaveLength(1);

    const second = store.ledger.begin(destination, false);
    store.ledger.add(second, [{ item: id, version }]);
    store.ledger.send(second, { jobId: 'job', warehouse: 'duckdb:x', attempt: 0 });
    expect(pending()).toHaveLength(0);
    store.ledger.commit(second);
    expect(pending()).toHaveLength(0);
    expect(store.ledger.counts(destination)).toEqual({ committed: 1, open: 0 });
  });

  it('keeps destinations apart', async () => {
    const store = testStore(folder);
    const { id } = await addRow(store);
    const [day, week] = [store.ledger.destination('day'), store.ledger.destination('week')];
    const batch = store.ledger.begin(day, false);
    store.ledger.add(batch, [{ item: id, version: store.rows.get(id)?.version ?? 0 }]);
    store.ledger.commit(batch);
    expect(store.rows.pending({ ...everything, destination: day }, undefined, 10)).toHaveLength(0);
    expect(store.rows.pending({ ...everything, destination: week }, undefined, 10)).toHaveLength(1);
  });

  it('emits a new version of a row once, and says that it supersedes the old one', async () => {
    const store = testStore(folder);
    const { id } = await addRow(store, {}, '{"v":1}\n');
    const destination = store.ledger.destination('all');
    const emit = () => {
      const rows = store.rows.pending({ ...everything, destination }, undefined, 10);
      const batch = store.ledger.begin(destination, false);
      store.ledger.add(
        batch,
        rows.map((row) => ({ item: row.build, version: row.version })),
      );
      const superseded = store.ledger.superseded(batch);
      store.ledger.commit(batch);
      return { rows, superseded };
    };
    expect(emit().superseded).toEqual([]);
    await addRow(store, {}, '{"v":2}\n');
    const second = emit();
    expect(second.rows.map((row) => row.supersedes)).toEqual([true]);
    expect(second.superseded).toEqual([id]);
    expect(emit().rows).toEqual([]);
    expect(store.ledger.counts(destination)).toEqual({ committed: 1, open: 0 });
  });

  it('forgets everything older when a replacing batch is committed, and nothing before that', async () => {
    const store = testStore(folder);
    const old = await addRow(store, { build: '1' });
    const young = await addRow(store, { build: '2' });
    const destination = store.ledger.destination('day');
    const first = store.ledger.begin(destination, false);
    store.ledger.add(first, [{ item: old.id, version: 1 }]);
    store.ledger.commit(first);
    const replacing = store.ledger.begin(destination, true);
    store.ledger.add(replacing, [{ item: young.id, version: 2 }]);
    expect(store.ledger.counts(destination)).toEqual({ committed: 1, open: 1 });
    store.ledger.commit(replacing);
    expect(store.ledger.counts(destination)).toEqual({ committed: 1, open: 0 });
    expect(store.ledger.byGeneration(destination, 1)?.state).toBe('committed');
  });

  it('never reuses the generation of a batch that was sent, so no load id is used twice', () => {
    const store = testStore(folder);
    const destination = store.ledger.destination('day');
    const sent = store.ledger.begin(destination, false);
    store.ledger.send(sent, { jobId: 'a', warehouse: 'duckdb:x', attempt: 0 });
    store.ledger.discard(sent);
    expect(store.ledger.begin(destination, false).generation).toBe(sent.generation + 1);
    expect(store.ledger.open(destination).map(({ generation }) => generation)).toEqual([1]);
    expect(store.ledger.loadTimes(destination, NOW_MS - 1)).toHaveLength(1);
  });

  it('refuses to send a batch that another process has ended', () => {
    const store = testStore(folder);
    const load = { jobId: 'a', warehouse: 'duckdb:x', attempt: 0 };
    const discarded = store.ledger.begin(store.ledger.destination('day'), false);
    store.ledger.discard(discarded);
    expect(() => store.ledger.send(discarded, load)).toThrow(/ended by another process/);
    const committed = store.ledger.begin(store.ledger.destination('day'), false);
    store.ledger.send(committed, load);
    store.ledger.commit(committed);
    expect(() => store.ledger.send(committed, { ...load, attempt: 1 })).toThrow(/ended by another process/);
  });

  it('gives the oldest committed build of a destination', async () => {
    const store = testStore(folder);
    const { id } = await addRow(store, { finishedAt: 1_000 });
    const destination = store.ledger.destination('day');
    const batch = store.ledger.begin(destination, false);
    store.ledger.add(batch, [{ item: id, version: 1 }]);
    expect(store.builds.oldestCommitted(destination)).toBeUndefined();
    store.ledger.commit(batch);
    expect(store.builds.oldestCommitted(destination)).toBe(1_000);
  });
});
