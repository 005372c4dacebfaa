import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { readSchema } from '../../pipeline/config/shipped.ts';
import { variablesOf } from '../../pipeline/config/sources.ts';

const configuration = await readFile('docs/configuration.md', 'utf8');

/** First cells of a document's table rows, in back-quotes. */
function described(text: string): readonly string[] {
  return [...text.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '');
}

function keysOf(schema: unknown): readonly string[] {
  return Object.keys((schema as { properties: object }).properties);
}

function section(title: string): string {
  const [, text = ''] = configuration.split(`## ${title}\n`);
  return text.split('\n## ')[0] ?? '';
}

describe('docs/configuration.md describes exactly the keys that the schemas take', () => {
  test('settings', async () => {
    expect([...described(section('Settings'))].sort()).toEqual(
      [...keysOf(await readSchema('samovar'))].sort(),
    );
  });

  test.each([
    ['Buckets', 'buckets'],
    ['Tables', 'tables'],
  ])('%s', async (title, name) => {
    const schema = await readSchema(name);
    expect([...described(section(title))].sort()).toEqual([...keysOf(schema.additionalProperties)].sort());
  });

  test('every variable of others that sets a setting stands in its row', async () => {
    for (const key of keysOf(await readSchema('samovar'))) {
      const row = configuration.split('\n').find((line) => line.startsWith(`| \`${key}\` |`)) ?? '';
      for (const name of variablesOf(key).slice(1)) expect(row).toContain(`\`${name}\``);
    }
  });
});

test('every property of a schema says what is allowed, for the messages', async () => {
  for (const name of ['samovar', 'buckets', 'tables']) {
    const schema = await readSchema(name);
    const { properties } = (schema.properties ? schema : schema.additionalProperties) as {
      properties: Record<string, { description?: string }>;
    };
    for (const [key, rule] of Object.entries(properties)) {
      expect(rule.description, `${name}: ${key}`).toBeTruthy();
    }
  }
});

test('docs/errors.md describes exactly the codes there are', async () => {
  const source = await readFile('pipeline/errors.ts', 'utf8');
  const union = /export type ErrorCode =([\s\S]*?);/.exec(source)?.[1] ?? '';
  const codes = [...union.matchAll(/^\s*\| '([a-z-]+)'/gm)].map((match) => match[1]);
  expect(codes.length).toBeGreaterThan(10);
  expect([...described(await readFile('docs/errors.md', 'utf8'))]).toEqual(codes);
});
