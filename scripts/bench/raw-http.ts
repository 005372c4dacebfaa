import { createServer, type Server, type Socket } from 'node:net';

/** Head and body as they go over the wire. */
export interface RawAnswer {
  readonly head: Buffer;
  readonly body: Buffer;
}

const REASONS: Readonly<Record<number, string>> = { 200: 'OK', 304: 'Not Modified', 404: 'Not Found' };
const HEAD_BYTES_MAX = 64_000;

export function rawAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): RawAnswer {
  const lines = Object.entries({ ...headers, 'content-length': String(body.length) });
  const fields = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return { head: Buffer.from(`HTTP/1.1 ${status} ${REASONS[status] ?? 'Other'}\r\n${fields}\r\n`), body };
}

/**
 * As much of HTTP/1.1 as clients of a bucket that is only read use: requests without bodies on connections that stay open. Node's
 * own server takes several times the CPU for each, which on a machine of few cores is taken from whom a bench measures.
 */
export function createRawServer(handle: (url: string, send: (answer: RawAnswer) => void) => void): Server {
  return createServer({ noDelay: true }, (socket) => {
    let unread = '';
    socket.setEncoding('latin1');
    socket.on('error', () => socket.destroy());
    socket.on('data', (text) => {
      unread += String(text);
      for (;;) {
        const end = unread.indexOf('\r\n\r\n');
        if (end < 0) break;
        const url = /^[A-Z]+ (\S+) HTTP\/1\.1\r\n/.exec(unread)?.[1];
        unread = unread.slice(end + 4);
        if (url === undefined) return void socket.destroy();
        handle(url, (answer) => send(socket, answer));
      }
      if (unread.length > HEAD_BYTES_MAX) socket.destroy();
    });
  });
}

function send(socket: Socket, { head, body }: RawAnswer): void {
  if (socket.destroyed) return;
  socket.cork();
  socket.write(head);
  if (body.length > 0) socket.write(body);
  socket.uncork();
}
