import type protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import type { Proto } from './proto.ts';

const UNIMPLEMENTED = 12;
const NOT_FOUND = 5;

export interface ReflectionRequest {
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly listServices?: string;
}

/** Answers tools that ask for services and messages (`grpcurl -plaintext HOST:PORT list`). `proto` has the files' own names of fields. */
export function reflection(
  proto: Proto,
  services: readonly string[],
): (request: ReflectionRequest) => object {
  const files = descriptorFiles(proto);
  const all = files.map(({ bytes }) => bytes);
  return (request) => {
    const { fileByFilename, fileContainingSymbol, listServices } = request;
    const originalRequest = request;
    if (listServices !== undefined)
      return { originalRequest, listServicesResponse: { service: services.map((name) => ({ name })) } };
    if (fileByFilename !== undefined)
      return {
        originalRequest,
        ...filesOr(files.filter(({ name }) => name === fileByFilename).map(({ bytes }) => bytes)),
      };
    if (fileContainingSymbol !== undefined)
      // Each file with all that it needs: there are few of them.
      return { originalRequest, ...filesOr(proto.lookup(fileContainingSymbol) === null ? [] : all) };
    return { originalRequest, errorResponse: { errorCode: UNIMPLEMENTED, errorMessage: 'not served' } };
  };
}

function filesOr(found: readonly Uint8Array[]): object {
  if (found.length === 0)
    return { errorResponse: { errorCode: NOT_FOUND, errorMessage: 'no such symbol or file' } };
  return { fileDescriptorResponse: { fileDescriptorProto: found } };
}

interface File {
  name: string;
  package: string;
  dependency: string[];
  messageType: { readonly name: string }[];
}

interface Described {
  readonly toDescriptor: (syntax: string) => { readonly file: readonly File[] };
}

const GOOGLE = 'google.protobuf';
const WELL_KNOWN = {
  Timestamp: 'google/protobuf/timestamp.proto',
  FieldMask: 'google/protobuf/field_mask.proto',
};

function descriptorFiles(proto: Proto) {
  const { file: files } = (proto as unknown as Described).toDescriptor('proto3');
  const google = files.find((file) => file.package === GOOGLE);
  const wellKnown = Object.entries(WELL_KNOWN).map(([message, name]) => ({
    name,
    package: GOOGLE,
    syntax: 'proto3',
    messageType: google?.messageType.filter((type) => type.name === message) ?? [],
  }));
  const ours = files.filter((file) => file !== google);
  // The library forgets what a file imports.
  for (const file of ours) if (file.package === 'drghs.v1') file.dependency = Object.values(WELL_KNOWN);
  const type: protobuf.Type = descriptor.FileDescriptorProto;
  return [...wellKnown, ...ours].map((file) => ({ name: file.name, bytes: type.encode(file).finish() }));
}
