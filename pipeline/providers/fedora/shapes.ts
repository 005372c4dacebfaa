/** JSON Schemas that more than one provider's values need. What is not named in them may be there too. */
export type Schema = Readonly<Record<string, unknown>>;

export const TEXT: Schema = { type: 'string' };
export const TEXT_OR_NULL: Schema = { type: ['string', 'null'] };
export const WHOLE: Schema = { type: 'integer' };
export const TEXTS: Schema = { type: 'array', items: TEXT };

export function object(
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required };
}

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

export function mapping(values: Schema): Schema {
  return { type: 'object', additionalProperties: values };
}
