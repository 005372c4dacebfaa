import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { randomFor } from '../../../pipeline/demo/random.ts';
import { decodeMutation, encodeMutation } from '../../../pipeline/records/mutation/codec.ts';
import { randomMutation } from '../../support/random-mutations.ts';

/** What a later maintner may have: the messages with a field of each kind that nobody knows yet, and a message of its own. */
async function laterSchema() {
  const root = await new protobuf.Root().load('schemas/maintner.proto', { keepCase: true });
  const added = new protobuf.Type('Added')
    .add(new protobuf.Field('text', 1, 'string'))
    .add(new protobuf.Field('count', 2, 'sint64'));
  const types: protobuf.Type[] = [];
  const walk = (scope: protobuf.NamespaceBase) => {
    for (const one of scope.nestedArray) {
      if (one instanceof protobuf.Type) types.push(one);
      if (one instanceof protobuf.Namespace) walk(one);
    }
  };
  walk(root);
  root.add(added);
  for (const type of types.filter(({ fullName }) => !fullName.startsWith('.google')))
    type
      .add(new protobuf.Field('later_number', 2001, 'int64'))
      .add(new protobuf.Field('later_text', 2002, 'string', 'repeated'))
      .add(new protobuf.Field('later_fixed', 2003, 'fixed64'))
      .add(new protobuf.Field('later_float', 2004, 'float'))
      .add(new protobuf.Field('later_message', 2005, 'Added'));
  const mutation = types.find(({ name }) => name === 'Mutation');
  if (mutation === undefined) throw new Error('there is no Mutation');
  root.resolveAll();
  return mutation;
}

const LATER = {
  later_number: '-9007199254740993',
  later_text: ['one', 'two'],
  later_fixed: '18446744073709551615',
  later_float: 1.5,
  later_message: { text: 'ünï', count: '-5' },
};

/** The same object with what is new in each message. */
function extended(type: protobuf.Type, value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(value).map(([name, one]) => {
    const inner = type.fields[name]?.resolvedType;
    if (!(inner instanceof protobuf.Type) || inner.fullName.startsWith('.google')) return [name, one];
    const extend = (part: unknown) => extended(inner, part as Readonly<Record<string, unknown>>);
    return [name, Array.isArray(one) ? one.map(extend) : extend(one)];
  });
  return { ...Object.fromEntries(entries), ...LATER };
}

const PLAIN = { longs: String, bytes: String, enums: String } as const;

test('what a later version says that is not known here is there after a record was read and written, in every message', async () => {
  const type = await laterSchema();
  let messages = 0;
  for (let seed = 1; seed <= 200; seed += 1) {
    const known = type.toObject(
      type.decode(
        encodeMutation(randomMutation(randomFor('unknown', seed), { values: 'wide', extended: true })),
      ),
      PLAIN,
    );
    const said = extended(type, known);
    const payload = type.encode(type.fromObject(said)).finish();
    const again = encodeMutation(decodeMutation(payload));
    expect(type.toObject(type.decode(again), PLAIN), `seed ${seed}`).toEqual(
      type.toObject(type.decode(payload), PLAIN),
    );
    messages += JSON.stringify(said).split('later_fixed').length - 1;
  }
  expect(messages).toBeGreaterThan(400);
});

test('what is not known is in none of the fields that are looked through', () => {
  const plain = encodeMutation({ githubIssue: { owner: 'o', repo: 'r', number: 1 } });
  const unknown = protobuf.Writer.create()
    .uint32((2002 << 3) | 2)
    .string('later')
    .finish();
  const payload = Buffer.concat([plain, unknown]);
  const decoded = decodeMutation(payload);
  expect(Object.keys(decoded)).toEqual(['githubIssue']);
  expect(JSON.stringify(decoded)).not.toContain('later');
  expect(Buffer.from(encodeMutation(decoded))).toEqual(payload);
  expect(Buffer.from(encodeMutation({ ...decoded }))).toEqual(payload);
});
