import { describe, expect, it } from 'vitest';
import { rowOf } from '../../../pipeline/backends/warehouse/bigquery-append-rows.ts';
import {
  descriptorOf,
  encodeRecord,
} from '../../../pipeline/backends/warehouse/bigquery-storage-write-rows.ts';
import type { Field } from '../../../pipeline/backends/warehouse/contract.ts';
import { microsOf } from '../../../pipeline/backends/warehouse/times.ts';
import { decodeRow, type Message, planOf } from '../../support/storage-write-fake-rows.ts';
import { appendRow, appendSpec, tableSpec } from '../../support/warehouse-files.ts';

/** The row as a server reads it that knows nothing but the descriptor. */
function sent(schema: readonly Field[], row: Readonly<Record<string, unknown>>): unknown {
  const message = descriptorOf(tableSpec('t', { schema })) as unknown as Message;
  const named = JSON.parse(JSON.stringify(message), (key, value: unknown) =>
    key === 'nestedType' || key === 'field' ? (value ?? []) : value,
  ) as Message;
  return decodeRow(
    planOf({ ...named, nestedType: named.nestedType ?? [] }, schema),
    encodeRecord(schema, row),
  );
}

describe('rows of the Storage Write API', () => {
  it('lists of every type arrive, records within records too', () => {
    const types = ['STRING', 'INTEGER', 'FLOAT', 'BOOLEAN', 'TIMESTAMP'] as const;
    const lists = types.map((type): Field => ({ name: type.toLowerCase(), type, mode: 'REPEATED' }));
    const schema: Field[] = [
      {
        name: 'outer',
        type: 'RECORD',
        fields: [{ name: 'inner', type: 'RECORD', mode: 'REPEATED', fields: lists }],
      },
    ];
    const inner = {
      string: ['', 'a'],
      integer: [0, -1, '9223372036854775807'],
      float: [0, -1.5],
      boolean: [false, true],
      timestamp: [0, 1_700_000_000.25],
    };
    expect(sent(schema, { outer: { inner: [inner, {}] } })).toEqual({ outer: { inner: [inner, {}] } });
  });

  it('texts are read as the column wants them', () => {
    const schema: Field[] = [
      { name: 'i', type: 'INTEGER' },
      { name: 'f', type: 'FLOAT', mode: 'REPEATED' },
      { name: 'b', type: 'BOOLEAN', mode: 'REPEATED' },
      { name: 's', type: 'STRING', mode: 'REPEATED' },
    ];
    const row = { i: '+12', f: ['1e3', 'nan', '-inf', 'Infinity'], b: ['TRUE', 'false'], s: [1, true] };
    expect(sent(schema, row)).toEqual({
      i: 12,
      f: [1000, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
      b: [true, false],
      s: ['1', 'true'],
    });
  });

  it('whole numbers past 64 bits cannot be sent', () => {
    const schema: Field[] = [{ name: 'i', type: 'INTEGER' }];
    for (const i of ['9223372036854775808', '-9223372036854775809', 2 ** 63])
      expect(() => encodeRecord(schema, { i })).toThrow('more than 64 bits');
  });

  it('columns of any name are sent', () => {
    const schema: Field[] = [
      { name: 'größe', type: 'INTEGER' },
      { name: '名', type: 'STRING' },
    ];
    expect(sent(schema, { größe: 7, 名: 'x' })).toEqual({ größe: 7, 名: 'x' });
  });

  it('nested columns that would get one name are a mistake in the configuration', () => {
    const record = (name: string, ...fields: Field[]): Field => ({ name, type: 'RECORD', fields });
    const leaf: Field = { name: 'x', type: 'STRING' };
    for (const schema of [[record('a_b', leaf), record('a', record('b', leaf))], [record('größe', leaf)]])
      expect(() => descriptorOf(tableSpec('t', { schema }))).toThrow(
        expect.objectContaining({ code: 'config' }),
      );
  });
});

describe('times', () => {
  it.each([
    [0, 0n],
    [-0.000001, -1n],
    [1_700_000_000.123456, 1_700_000_000_123_456n],
    ['1700000000', 1_700_000_000_000_000n],
    [253_402_300_799, 253_402_300_799_000_000n],
    [-62_135_596_800, -62_135_596_800_000_000n],
    ['2024-02-29', 1_709_164_800_000_000n],
    ['2024-2-29 1:2:3', 1_709_168_523_000_000n],
    ['2024-02-29T12:00Z', 1_709_208_000_000_000n],
    ['2024-02-29 12:00:00.123456789 UTC', 1_709_208_000_123_456n],
    ['2024-02-29 12:00:00-02:30', 1_709_217_000_000_000n],
    ['2024-02-29 12:00:00+2', 1_709_200_800_000_000n],
    ['0001-01-01', -62_135_596_800_000_000n],
  ])('%j is %s microseconds', (value, micros) => expect(microsOf(value, 'started')).toBe(micros));
  it.each([
    253_402_300_800,
    -62_135_596_801,
    '2023-02-29',
    '2023-13-01',
    '2023-01-01 24:00:00',
    '2023-01-01 12:60:00',
    '2023-01-01 12:00:00 Europe/Berlin',
    '',
    'soon',
  ])('%j is none', (value) => expect(() => microsOf(value, 'started')).toThrow('started is'));
});

describe('lines', () => {
  const table = appendSpec('t');
  it('keep digits of whole numbers only where they are numbers', () => {
    const text = String.raw`1234567890123456789 \" : 1234567890123456789 \\`;
    const line = `{"path":"${text}","number":-1234567890123456789,"elapsed":1.2345678901234567e3,"test":[{"time":12345678901234567890.5}]}`;
    expect(rowOf(table, appendRow(line))).toMatchObject({
      path: JSON.parse(`"${text}"`),
      number: '-1234567890123456789',
      elapsed: 1234.5678901234567,
      test: [{ time: 12345678901234567000 }],
    });
  });
  it('of many megabytes and many quotes are read in a moment', () => {
    const name = '\\"\\\\'.repeat(1_500_000);
    const row = rowOf(
      table,
      appendRow(`{"path":"a","number":1234567890123456789,"test":[{"name":"${name}"}]}`),
    );
    expect(row).toMatchObject({ number: '1234567890123456789', test: [{ name: '"\\'.repeat(1_500_000) }] });
  });
  it('that bring the writer’s own columns do not decide them', () => {
    const row = rowOf(table, appendRow('{"path":"a","row_version":99}', 3));
    expect(row).toMatchObject({ row_version: 3, row_written: 1_700_000_000.123 });
  });
});
