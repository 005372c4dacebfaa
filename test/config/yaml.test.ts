import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONFIG_BYTES_MAX, parseConfig, readConfig } from '../../pipeline/config/yaml.ts';
import { SamovarError } from '../../pipeline/errors.ts';

const SCHEMA = {
  description: 'a mapping with the keys days and names',
  type: 'object',
  additionalProperties: false,
  required: ['days'],
  properties: {
    days: { description: 'a number from 0 on', type: 'number', minimum: 0 },
    kind: { description: 'which', type: 'string', enum: ['daily', 'weekly'] },
    names: {
      description: 'a list of patterns',
      type: 'array',
      items: { description: 'a pattern', type: 'string', format: 'regex' },
    },
  },
};
const source = { file: 'some.yaml', schema: SCHEMA };

function errorOf(text: string): SamovarError {
  try {
    parseConfig(text, source);
  } catch (error) {
    if (error instanceof SamovarError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text.slice(0, 100)}`);
}

test('a good document comes back as plain values', () => {
  expect(parseConfig('days: 1.5\nnames: [^a$]\n', source).value).toEqual({ days: 1.5, names: ['^a$'] });
});

describe('each problem names file, line, column, what was wrong and what is allowed', () => {
  test.each([
    [
      'an unknown key',
      'days: 1\ndayz: 2\n',
      /some\.yaml:2:1: unknown key "dayz", did you mean "days"\?; allowed: days, kind, names/,
    ],
    ['a key far from any', 'days: 1\ncompletely: 2\n', /some\.yaml:2:1: unknown key "completely"; allowed/],
    [
      'a wrong type',
      'days: often\n',
      /some\.yaml:1:7: days: must be a number, not "often"; allowed: a number from 0 on/,
    ],
    [
      'a value out of range',
      'days: -1\n',
      /some\.yaml:1:7: days: -1 must be >= 0; allowed: a number from 0 on/,
    ],
    [
      'a word that is none of the known',
      'days: 1\nkind: dayly\n',
      /some\.yaml:2:7: kind: "dayly" is not known, did you mean "daily"\?; allowed: daily, weekly/,
    ],
    ['a missing key', 'kind: daily\n', /some\.yaml:1:1: the key "days" is missing/],
    [
      'a bad pattern',
      'days: 1\nnames:\n  - fine\n  - "a(b"\n',
      /some\.yaml:4:5: names → 1: "a\(b" is no usable regular expression: .*missing closing \)/,
    ],
    ['look-around', 'days: 1\nnames: ["^(?!x)y"]\n', /look-around.*not supported/],
    ['a back-reference', `days: 1\nnames: ['(a)\\1']\n`, /back-references.*not supported/],
    ['broken YAML', 'days: 1\nnames: [a\n', /some\.yaml:3:1: .*; allowed is YAML 1\.2/],
    ['a key given twice', 'days: 1\ndays: 2\n', /some\.yaml:2:1: Map keys must be unique/],
    ['a second document', 'days: 1\n---\ndays: 2\n', /some\.yaml:2:1: .*multiple documents/],
    ['an unknown tag', 'days: !!python/object 1\n', /some\.yaml:1:7: Unresolved tag/],
    [
      'an empty file',
      '# nothing\n',
      /some\.yaml:1:1: the file is empty; allowed: a mapping with the keys days and names/,
    ],
    ['a list where a mapping belongs', '- a\n', /some\.yaml:1:1: must be a mapping/],
    ['an alias of nothing', 'days: *gone\n', /some\.yaml:1:1: its aliases/],
  ])('%s', (_, text, expected) => {
    const error = errorOf(text);
    expect(error.code).toBe('config');
    expect(error.message).toMatch(expected);
    expect(error.remedy).toBeTruthy();
  });
});

test('all problems of a file are told at once, in the order of its lines', () => {
  const { message } = errorOf('names: 3\nwhat: 1\ndays: x\n');
  expect(message.split('\n').map((line) => line.slice(0, 11))).toEqual([
    'cannot use ',
    'some.yaml:1',
    'some.yaml:2',
    'some.yaml:3',
  ]);
});

test('a file of many problems does not fill the screen', () => {
  const keys = Array.from({ length: 500 }, (_, at) => `key${at}: 1`).join('\n');
  const { message } = errorOf(`days: 1\n${keys}\n`);
  expect(message.split('\n')).toHaveLength(52);
  expect(message).toContain('… and 450 more');
});

test('a bomb of aliases is refused and takes no memory', () => {
  const levels = Array.from({ length: 9 }, (_, at) => {
    const items =
      at === 0
        ? '[x, x, x, x, x, x, x, x, x]'
        : `[${Array(9)
            .fill(`*l${at - 1}`)
            .join(', ')}]`;
    return `l${at}: &l${at} ${items}`;
  });
  const before = process.memoryUsage().heapUsed;
  expect(errorOf(levels.join('\n')).message).toContain('aliases');
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(50e6);
});

test('nesting without end is refused', () => {
  expect(errorOf('['.repeat(100_000)).code).toBe('config');
});

test('a value from the file is shown on one line and bounded', () => {
  const { message } = errorOf(`days: "${'x'.repeat(10_000)}\\n"\n`);
  expect(message.length).toBeLessThan(400);
});

describe('files', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'samovar-config-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function readError(name: string, bytes: Uint8Array | string): Promise<SamovarError> {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return readConfig(path, { ...source, file: path }).then(
      () => {
        throw new Error(`${name} was accepted`);
      },
      (error: SamovarError) => error,
    );
  }

  test('a missing file says which and what to do', async () => {
    const error = await readConfig(join(folder, 'gone.yaml'), { ...source, file: 'gone.yaml' }).catch(
      (cause: unknown) => cause,
    );
    expect(error).toMatchObject({ code: 'config', message: 'there is no file gone.yaml' });
    expect((error as SamovarError).remedy).toContain('Check the path');
  });

  test('a folder in place of a file cannot be read', async () => {
    await expect(readConfig(folder, source)).rejects.toMatchObject({
      code: 'config',
      message: 'cannot read some.yaml',
    });
  });

  test('a file of 1 MiB is read, a larger one refused', async () => {
    const comment = `days: 1\n#${'x'.repeat(CONFIG_BYTES_MAX - 9)}`;
    const path = join(folder, 'large.yaml');
    await writeFile(path, comment);
    expect((await readConfig(path, source)).value).toEqual({ days: 1 });
    expect((await readError('larger.yaml', `${comment}x`)).message).toContain('larger than 1 MiB');
  });

  test('bytes that are not UTF-8 are refused', async () => {
    expect((await readError('latin.yaml', Buffer.from([0x64, 0xe9]))).message).toContain('not UTF-8');
  });
});
