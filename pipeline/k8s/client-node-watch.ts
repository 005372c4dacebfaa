import { SamovarError } from '../errors.ts';
import type { Connection } from './client-node-connection.ts';
import { malformed, refusal, type Said } from './client-node-errors.ts';
import { isObject, isRecord, withKind } from './client-node-json.ts';
import { pathOfKind, withQuery } from './client-node-path.ts';
import type { Kind, KubeObject, WatchEvent, WatchOptions } from './cluster.ts';

/** Asked of the server, which ends the watch then; it is cut here soon after if it does not. */
const LIFE_SECONDS = 300;
const GRACE_SECONDS = 30;

const TYPES: Readonly<Record<string, WatchEvent['type']>> = {
  ADDED: 'added',
  MODIFIED: 'modified',
  DELETED: 'deleted',
  BOOKMARK: 'bookmark',
};

export async function* watch(
  connection: Connection,
  kind: Kind,
  { namespace, labels, fields, version, signal }: WatchOptions,
): AsyncGenerator<WatchEvent> {
  const doing = `watch ${kind.plural}${namespace === undefined ? '' : ` in ${namespace}`}`;
  const path = withQuery(pathOfKind(kind, namespace), {
    watch: '1',
    allowWatchBookmarks: 'true',
    resourceVersion: version,
    timeoutSeconds: String(LIFE_SECONDS),
    labelSelector: labels,
    fieldSelector: fields,
  });
  const flow = await connection.flow(
    { doing, method: 'GET', path, signal },
    (LIFE_SECONDS + GRACE_SECONDS) * 1000,
  );
  try {
    for await (const line of linesOf(flow.response, doing, connection.bodyBytesMax))
      yield eventOf(kind, line, doing);
  } catch (error) {
    const explained = flow.explain(error);
    // Past its time, a watch is over like any other.
    if (!(explained instanceof SamovarError && explained.code === 'timeout')) throw explained;
  } finally {
    flow.end();
  }
}

async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  doing: string,
  bytesMax: number,
): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      const line = Buffer.concat([...parts, chunk.subarray(from, at)]).toString('utf8');
      from = at + 1;
      parts = [];
      bytes = 0;
      if (line.trim() !== '') yield line;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    bytes += chunk.length - from;
    if (bytes > bytesMax)
      throw new SamovarError('too-large', `cannot ${doing}: one event is more than ${bytesMax} bytes`, {
        subject: doing,
      });
  }
  // Half an event is none: it comes again when the watch is begun again.
}

function eventOf(kind: Kind, line: string, doing: string): WatchEvent {
  const event = parse(line, doing);
  const type = typeof event.type === 'string' ? TYPES[event.type] : undefined;
  if (type !== undefined && isObject(event.object))
    return { type, object: withKind(kind, event.object as KubeObject) };
  if (event.type === 'ERROR' && isRecord(event.object)) {
    const said = event.object as Said;
    throw refusal({ doing, status: typeof said.code === 'number' ? said.code : 500, said });
  }
  throw malformed(doing, `an event is of no known type: ${line.slice(0, 100)}`);
}

function parse(line: string, doing: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (isRecord(value)) return value;
  } catch {
    // As below.
  }
  throw malformed(doing, `an event is no JSON: ${JSON.stringify(line.slice(0, 100))}`);
}
