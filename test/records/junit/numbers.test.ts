import { expect, test } from 'vitest';
import { readSeconds } from '../../../pipeline/records/junit/numbers.ts';
import { read } from './read.ts';

test.each([
  [undefined, 0],
  ['', 0],
  ['0', 0],
  ['12.5', 12.5],
  ['0.000000001', 1e-9],
  ['.5', 0.5],
  ['5.', 5],
  [' 7 ', 7],
  ['+3', 3],
  ['-1.5', -1.5],
  ['1e3', 1_000],
  ['1.5E-3', 0.0015],
  ['1,234.5', 1_234.5],
  ['1,234,567', 1_234_567],
  ['0,123', 0.123],
  ['12,5', 12.5],
  ['0.1s', 0.1],
  ['100ms', 0.1],
  ['2 min', 120],
])('time %j is %d seconds', (time, seconds) => expect(readSeconds(time)).toBeCloseTo(seconds, 12));

test.each([
  'NaN',
  'nan',
  'inf',
  'Infinity',
  '-Infinity',
  '1e999',
  'time',
  '0x10',
  '1m30s',
  '1.2.3',
  '1,2,3',
  '-',
  ' ',
  '９',
])('time %j is no number, and left out', (time) => {
  expect(readSeconds(time)).toBeUndefined();
  expect(read(`<testcase name="a" time="${time}"/>`).tests).toEqual([{ name: 'a' }]);
});
