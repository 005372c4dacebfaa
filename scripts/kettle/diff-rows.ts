import { isObject, type JsonObject, type JsonValue, pythonJson } from '../../pipeline/records/json.ts';
import type { Difference } from './differences.ts';

/** These follow from the tests, which are compared one by one. */
const COUNTS = ['tests_run', 'tests_failed'];

/** Every place where two rows of one build differ; numbers are compared as numbers, the order of keys is no difference. */
export function diffRows(
  path: string,
  kettle: JsonObject | undefined,
  ours: JsonObject | undefined,
): readonly Difference[] {
  if (kettle === undefined || ours === undefined) {
    const shown = (row: JsonObject | undefined) => (row === undefined ? undefined : '{…}');
    return [{ path, field: 'row', kettle: shown(kettle), ours: shown(ours) }];
  }
  const columns = new Set([...Object.keys(kettle), ...Object.keys(ours)]);
  const plain = [...columns].filter((column) => !['test', 'metadata', ...COUNTS].includes(column));
  return [
    ...plain.flatMap((column) => diffValue({ path, field: column }, kettle[column], ours[column])),
    ...diffMetadata(path, kettle.metadata, ours.metadata),
    ...diffTests(path, testsOf(kettle), testsOf(ours)),
    ...[kettle, ours].flatMap((row, side) => wrongCounts(path, row, side === 0)),
  ];
}

function diffValue(
  place: Pick<Difference, 'path' | 'field' | 'test'>,
  kettle: JsonValue | undefined,
  ours: JsonValue | undefined,
): readonly Difference[] {
  const [left, right] = [shown(kettle), shown(ours)];
  return left === right ? [] : [{ ...place, kettle: left, ours: right }];
}

/** 1 and 1.0 are one number. */
function shown(value: JsonValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'number' && Number.isInteger(value) ? String(value + 0) : pythonJson(value);
}

function diffMetadata(
  path: string,
  kettle: JsonValue | undefined,
  ours: JsonValue | undefined,
): readonly Difference[] {
  const [left, right] = [pairsOf(kettle), pairsOf(ours)];
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((key) =>
    diffValue({ path, field: `metadata.${key}` }, left.get(key), right.get(key)),
  );
}

function pairsOf(metadata: JsonValue | undefined): ReadonlyMap<string, JsonValue | undefined> {
  const pairs = Array.isArray(metadata) ? metadata.filter(isObject) : [];
  return new Map(pairs.map((pair) => [String(pair.key), pair.value]));
}

type Tests = ReadonlyMap<string, JsonObject>;

/** Tests by name and how many of that name came before. */
function testsOf(row: JsonObject): Tests {
  const seen = new Map<string, number>();
  const tests = Array.isArray(row.test) ? row.test.filter(isObject) : [];
  return new Map(
    tests.map((test) => {
      const name = String(test.name);
      const before = seen.get(name) ?? 0;
      seen.set(name, before + 1);
      return [`${name}\u0000${before}`, test];
    }),
  );
}

function diffTests(path: string, kettle: Tests, ours: Tests): readonly Difference[] {
  const differences: Difference[] = [];
  for (const key of new Set([...kettle.keys(), ...ours.keys()])) {
    const test = key.slice(0, key.indexOf('\u0000'));
    const [left, right] = [kettle.get(key), ours.get(key)];
    if (left === undefined || right === undefined) {
      differences.push({
        path,
        field: 'test',
        test,
        kettle: left && shown(left),
        ours: right && shown(right),
      });
      continue;
    }
    for (const field of new Set([...Object.keys(left), ...Object.keys(right)]))
      differences.push(...diffValue({ path, field: `test.${field}`, test }, left[field], right[field]));
  }
  const common = [
    [...kettle.keys()].filter((key) => ours.has(key)),
    [...ours.keys()].filter((key) => kettle.has(key)),
  ].map((keys) => JSON.stringify(keys));
  if (common[0] !== common[1])
    differences.push({ path, field: 'order of tests', kettle: common[0], ours: common[1] });
  return differences;
}

function wrongCounts(path: string, row: JsonObject, isKettle: boolean): readonly Difference[] {
  // A row that was cut still counts what it dropped.
  if (row.truncated !== undefined) return [];
  const tests = [...testsOf(row).values()];
  const expected = [tests.length, tests.filter((test) => test.failed === true).length];
  return COUNTS.flatMap((field, index) => {
    const [said, counted] = [shown(row[field]), String(expected[index])];
    return said === counted
      ? []
      : [{ path, field, kettle: isKettle ? said : counted, ours: isKettle ? counted : said }];
  });
}
