import type { JsonSchema } from '../config/schema.ts';
import { readConfig } from '../config/yaml.ts';
import type { OwnerRule } from '../triage/owners.ts';

const GLOB = {
  description: 'a text where * stands for anything',
  type: 'string',
  minLength: 1,
  maxLength: 1000,
};

const SCHEMA: JsonSchema = {
  description: 'a list of rules with owner and test, job or text',
  type: 'array',
  maxItems: 10_000,
  items: {
    description: 'a mapping with the key owner and at least one of test, job, text',
    type: 'object',
    additionalProperties: false,
    required: ['owner'],
    minProperties: 2,
    properties: {
      owner: { description: 'a name', type: 'string', minLength: 1, maxLength: 200 },
      test: GLOB,
      job: GLOB,
      text: GLOB,
    },
  },
};

/** The rules of a YAML file, in their order; the first that fits counts. Throws one `config` error that names every bad line. */
export async function loadOwnerRules(file: string | undefined): Promise<readonly OwnerRule[]> {
  if (file === undefined) return [];
  const document = await readConfig(file, { file, schema: SCHEMA });
  document.finish();
  return document.value as readonly OwnerRule[];
}
