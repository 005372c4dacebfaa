import { SamovarError } from '../errors.ts';

/** `9109`, `0.0.0.0:9109`, `[::]:9109`. Throws `config`. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const [, host = '127.0.0.1', digits = ''] =
    /^(?:([^\s:/[\]]+|\[[0-9a-fA-F:.]+\]):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits !== '' && port <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port };
  throw new SamovarError('config', `${JSON.stringify(text)} is no address to listen on`, {
    remedy: 'Write PORT (this machine only) or HOST:PORT, for instance 0.0.0.0:9109.',
  });
}

/** `HOST:PORT`, with an IPv6 address in brackets. */
export function addressText(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'there is no such host',
};

/** `how`: for what it was to be. `by`: where another address is named. */
export function cannotListen(
  address: string,
  cause: Error,
  { how, by }: { readonly how?: string; readonly by?: string } = {},
): SamovarError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const what = how === undefined ? '' : ` for ${how}`;
  return new SamovarError('config', `cannot listen on ${address}${what}: ${WHY[code] ?? cause.message}`, {
    subject: address,
    remedy: `Choose another address${by === undefined ? '' : ` with ${by}`}, or end what listens there.`,
    cause,
  });
}
