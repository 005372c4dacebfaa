import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';

const FOLDER = resolve(import.meta.dirname, '../../schemas/config');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

test('there are schemas to look at', () => {
  expect(FILES.length).toBeGreaterThan(2);
});

// The product compiles them without looking, to start faster.
test.each(FILES)('%s is a valid JSON Schema', (name) => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const schema = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as object;
  expect(ajv.validateSchema(schema), ajv.errorsText()).toBe(true);
});

test('a schema with a mistake is found', () => {
  expect(new Ajv2020({ strict: false }).validateSchema({ type: 'strong' })).toBe(false);
});
