import { readFile } from 'node:fs/promises';
import protobuf from 'protobufjs';
import { shippedFile } from '../config/shipped.ts';
import { SamovarError } from '../errors.ts';

/** Messages and services of schemas/*.proto. */
export type Proto = protobuf.Root;

const FILES = ['drghs', 'maintner-internal', 'grpc-health', 'grpc-reflection'] as const;
const COMMON = ['google/protobuf/timestamp.proto', 'google/protobuf/field_mask.proto'] as const;

/** `keepCase`: fields keep the names of the files, which reflection gives. Throws `config` when the installation is incomplete. */
export async function loadProto({ keepCase = false } = {}): Promise<Proto> {
  const root = new protobuf.Root();
  for (const name of FILES) {
    const file = shippedFile(`schemas/${name}.proto`);
    try {
      protobuf.parse(await readFile(file, 'utf8'), root, { keepCase });
    } catch (cause) {
      throw new SamovarError('config', `cannot read ${file}, which comes with Samovar`, {
        subject: file,
        remedy: 'The installation is incomplete: run `npm ci && npm run build` again, or check the image.',
        cause,
      });
    }
  }
  for (const name of COMMON) root.addJSON(protobuf.common.get(name)?.nested ?? {});
  root.resolveAll();
  return root;
}

/** How a method's messages are read and written, as @grpc/grpc-js takes it. */
export interface GrpcMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (value: object) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => object;
  readonly responseSerialize: (value: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

/** The methods of a service, by name: the same for a server and its clients. */
export function serviceDefinition(proto: Proto, service: string): Readonly<Record<string, GrpcMethod>> {
  const { methods } = proto.lookupService(service);
  return Object.fromEntries(
    Object.values(methods).map((method) => {
      const request = codecOf(proto.lookupType(typeName(method.parent, method.requestType)));
      const response = codecOf(proto.lookupType(typeName(method.parent, method.responseType)));
      const definition: GrpcMethod = {
        path: `/${service}/${method.name}`,
        requestStream: method.requestStream ?? false,
        responseStream: method.responseStream ?? false,
        requestSerialize: request.write,
        requestDeserialize: request.read,
        responseSerialize: response.write,
        responseDeserialize: response.read,
      };
      return [method.name, definition];
    }),
  );
}

function typeName(service: protobuf.NamespaceBase | null, type: string): string {
  return `${service?.parent?.fullName ?? ''}.${type}`;
}

/** Plain objects in and out: 64-bit numbers are decimal digits, what is not there is not a key. */
function codecOf(type: protobuf.Type) {
  return {
    write: (value: object) => Buffer.from(type.encode(value).finish()),
    read: (bytes: Buffer) => type.toObject(type.decode(bytes), { longs: String, arrays: true }),
  };
}
