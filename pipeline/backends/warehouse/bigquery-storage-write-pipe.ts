import type { protos } from '@google-cloud/bigquery-storage';
import { SamovarError } from '../../errors.ts';
import type { WriteClient } from './bigquery-storage-write-client.ts';
import type { Descriptor } from './bigquery-storage-write-rows.ts';

type Request = protos.google.cloud.bigquery.storage.v1.IAppendRowsRequest;
export type Response = protos.google.cloud.bigquery.storage.v1.IAppendRowsResponse;

/** As long as a connection may last; BigQuery ends idle ones after some minutes. */
const CONNECTION_MS_MAX = 86_400_000;

/** One connection for one write stream: answers come in the order of the requests. */
export interface Pipe {
  readonly client: WriteClient;
  send(rows: readonly Uint8Array[], offset: number, descriptor: Descriptor): Promise<Response>;
  /** Gives the connection up; whoever waits for an answer gets a `network` error. */
  close(why: string): void;
}

interface Waiter {
  resolve(response: Response): void;
  reject(error: unknown): void;
}

/**
 * The library's own connection is not used: when it breaks, what waits for an answer may wait for ever. Here each failure breaks
 * the whole of it, for all who wait, and the next append makes another. The first who waits gets the error as it came.
 */
export function openPipe(client: WriteClient, stream: string, subject: string, onBroken: () => void): Pipe {
  const waiting: Waiter[] = [];
  let broken = false;
  /** What the server has certainly understood: it was told by a request that went well. */
  let known: Descriptor | undefined;
  const duplex = client.appendRows({
    timeout: CONNECTION_MS_MAX,
    otherArgs: { headers: { 'x-goog-request-params': `write_stream=${encodeURIComponent(stream)}` } },
  });
  const breakWith = (error: unknown) => {
    if (broken) return;
    broken = true;
    onBroken();
    const [first, ...others] = waiting.splice(0);
    first?.reject(error);
    for (const each of others) each.reject(lost(subject, stream, 'an earlier request on it failed'));
    duplex.cancel();
    duplex.destroy();
  };
  duplex.on('data', (response: Response) => waiting.shift()?.resolve(response));
  // Stays to the end: an error nobody listens to ends the process.
  duplex.on('error', breakWith);
  duplex.on('end', () => breakWith(lost(subject, stream, 'the server ended it')));
  duplex.on('close', () => breakWith(lost(subject, stream, 'it was closed')));
  return {
    client,
    close: (why) => breakWith(lost(subject, stream, why)),
    send(rows, offset, descriptor) {
      const request: Request = {
        // Each time, though the first would do: a server that mixes connections up then refuses rather than writes elsewhere.
        writeStream: stream,
        offset: { value: offset },
        protoRows: {
          rows: { serializedRows: rows as Uint8Array[] },
          ...(descriptor !== known && { writerSchema: { protoDescriptor: descriptor } }),
        },
      };
      return new Promise((resolve, reject) => {
        if (broken) return reject(lost(subject, stream, 'it broke before'));
        waiting.push({
          resolve(response) {
            if (!response.error) known = descriptor;
            resolve(response);
          },
          reject,
        });
        duplex.write(request, (error: unknown) => {
          if (error instanceof Error) breakWith(error);
        });
      });
    },
  };
}

function lost(subject: string, stream: string, why: string): SamovarError {
  return new SamovarError('network', `${subject}: the connection of ${stream} is lost: ${why}`, { subject });
}
