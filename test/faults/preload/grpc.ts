import http2 from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import { Message } from '@google-cloud/pubsub';
import { patch, point } from './points.ts';

/** A lease that is prolonged or not changes nothing that lasts. */
const LEASES = /ModifyAckDeadline$/;

/** gRPC calls: before each message that is sent, and when one is received; and each acknowledgement that is asked for. */
export function watchGrpc(): void {
  patch(
    http2,
    'connect',
    (original) =>
      function (this: unknown, ...args) {
        const session = original.apply(this, args) as object;
        patch(session, 'request', watchRequests);
        return session;
      },
  );
  syncBuiltinESMExports();
  patch(
    Message.prototype,
    'ack',
    (original) =>
      function (this: unknown, ...args) {
        point('ack', 'before', `acknowledge ${String((this as { readonly id?: unknown }).id)}`);
        return original.apply(this, args);
      },
  );
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

function watchRequests(original: Method): Method {
  return function (this: unknown, ...args) {
    const path = String((args[0] as Readonly<Record<string, unknown>> | undefined)?.[':path'] ?? '');
    const name = path.split('/').at(-1) ?? '';
    if (LEASES.test(name)) return original.apply(this, args);
    const stream = original.apply(this, args) as object;
    patch(
      stream,
      'write',
      (send) =>
        function (this: unknown, ...given) {
          point('grpc', 'before', name);
          return send.apply(this, given);
        },
    );
    patch(
      stream,
      'on',
      (listen) =>
        function (this: unknown, ...given) {
          const [event, listener] = given as [unknown, Method];
          if (event !== 'data') return listen.apply(this, given);
          return listen.call(this, event, function (this: unknown, ...data: unknown[]) {
            point('grpc', 'after', name);
            return listener.apply(this, data);
          });
        },
    );
    return stream;
  };
}
