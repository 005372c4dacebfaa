import { describe, expect, it } from 'vitest';
import { packLine, versionOf } from '../../pipeline/records/mutation/rows-values.ts';
import type { MadeRow } from '../../pipeline/store/mutation-rows.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();

function setUp() {
  const store = testStore(temp);
  const source = store.mutationRows.sources.source('o', 'r').id;
  const destination = store.ledger.destination('duckdb:x/issues');
  const filter = { destination, finishedSince: 0, finishedBefore: 0, everything: false };
  const rows = store.mutationRows.rowsOf('issues');
  return {
    store,
    destination,
    put: (path: string, text = path, over: Partial<MadeRow> = {}) =>
      store.mutationRows.put({ ...rowOf(source, path, text), ...over }),
    pending: (everything = false) =>
      rows.pending({ ...filter, everything }, undefined, 100).map(({ path }) => path),
    rows,
    filter,
    emitAll: () => emitAll(store, destination),
  };
}

function rowOf(source: number, path: string, text: string): MadeRow {
  const line = Buffer.from(`${text}\n`);
  const row = { kind: 'issues', source, issue: 1, path, at: 0, deleted: false, pass: 0 };
  return { ...row, version: versionOf(line), ...packLine(line) };
}

/** All that is pending goes into one batch that is committed. */
function emitAll({ ledger, mutationRows }: Store, destination: number): void {
  const filter = { destination, finishedSince: 0, finishedBefore: 0, everything: false };
  const batch = ledger.begin(destination, false);
  const pending = mutationRows.rowsOf('issues').pending(filter, undefined, 100);
  ledger.add(
    batch,
    pending.map(({ build, version }) => ({ item: build, version })),
  );
  ledger.commit(batch);
}

describe('rows of mutations', () => {
  it('are written when they are new or others, and keep their place in the ledger', () => {
    const { store, put } = setUp();
    expect([put('a'), put('a'), put('a', 'other'), put('b')]).toEqual([true, false, true, true]);
    expect(store.mutationRows.state('issues', 'a')?.id).toBe(1);
    expect(store.mutationRows.counts('issues')).toEqual({ rows: 2, deleted: 0 });
  });

  it('are pending in the order of their changes, a page at a time', () => {
    const { put, pending, rows, filter } = setUp();
    for (const path of ['b', 'a', 'c']) put(path);
    put('b', 'changed');
    expect(pending()).toEqual(['a', 'c', 'b']);
    const [first] = rows.pending(filter, undefined, 1);
    expect(rows.pending(filter, first, 1).map(({ path }) => path)).toEqual(['c']);
  });

  it('are no longer pending once they are committed, and again when they changed', () => {
    const { put, pending, emitAll: emit } = setUp();
    put('a');
    put('b');
    emit();
    expect(pending()).toEqual([]);
    put('a', 'changed');
    expect(pending()).toEqual(['a']);
  });

  it('supersede what was emitted of them before', () => {
    const { put, rows, filter, emitAll: emit } = setUp();
    put('a');
    emit();
    put('a', 'changed');
    put('b');
    expect(rows.pending(filter, undefined, 9).map(({ path, supersedes }) => [path, supersedes])).toEqual([
      ['a', true],
      ['b', false],
    ]);
  });

  it('settle: the next look begins behind what is there, and never passes over what is not', () => {
    const { store, put, pending, destination, emitAll: emit } = setUp();
    put('a');
    emit();
    put('b', 'b', { at: 50 });
    put('c', 'c', { at: 40 });
    expect(store.mutationRows.settle('issues', destination)).toEqual({ rows: 2, oldestAt: 40 });
    expect(pending()).toEqual(['b', 'c']);
    emit();
    expect(store.mutationRows.settle('issues', destination)).toEqual({ rows: 0, oldestAt: undefined });
    // A row behind the mark is looked at only when somebody says that it is wrong there.
    store.ledger.forget(destination, [1]);
    expect(pending()).toEqual([]);
    store.mutationRows.unsettle(destination);
    expect(pending()).toEqual(['a']);
    expect(pending(true)).toEqual(['a', 'b', 'c']);
  });

  it('a batch under way is not emitted again, and one that was dropped is', () => {
    const { store, put, pending, destination, rows, filter } = setUp();
    put('a');
    const batch = store.ledger.begin(destination, false);
    const [row] = rows.pending(filter, undefined, 1);
    store.ledger.add(batch, [{ item: row?.build ?? 0, version: row?.version ?? 0 }]);
    expect(pending()).toEqual([]);
    expect(store.mutationRows.settle('issues', destination).rows).toBe(1);
    store.ledger.discard(batch);
    expect(pending()).toEqual(['a']);
  });

  it('of another kind or path have another key', () => {
    const { put, rows, filter } = setUp();
    put('a');
    put('a', 'a', { kind: 'pulls' });
    expect(rows.pending(filter, undefined, 9)).toHaveLength(1);
    expect(rows.byPaths(0, ['a', 'x']).map(({ path }) => path)).toEqual(['a']);
    expect([rows.pathOf(1), rows.pathOf(2)]).toEqual(['a', undefined]);
    expect(rows.pendingAmong(filter, [1, 2]).map(({ build }) => build)).toEqual([1]);
  });
});

describe('sources', () => {
  it('touched things are added up until they are done', () => {
    const { sources } = setUp().store.mutationRows;
    sources.touch(1, [{ issue: 5, kinds: 1 }]);
    sources.touch(1, [
      { issue: 5, kinds: 4 },
      { issue: 2, kinds: 1 },
    ]);
    expect(sources.touched(1, 9)).toEqual([
      { issue: 2, kinds: 1 },
      { issue: 5, kinds: 5 },
    ]);
    sources.untouch(1, [2]);
    expect(sources.touchedCount(1)).toBe(1);
  });

  it('a log that is begun anew has no position, and another pass', () => {
    const { sources } = setUp().store.mutationRows;
    const position = { segment: 1, startOffset: 2, endOffset: 3, sha256: 'x', lastAt: 4 };
    sources.setPosition(1, position);
    expect(sources.position(1)).toEqual(position);
    sources.restart(1);
    expect(sources.position(1)).toBeUndefined();
    expect(sources.source('o', 'r')).toMatchObject({ id: 1, pass: 1, swept: 0 });
  });
});
