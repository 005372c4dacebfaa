import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Cloud Storage's side of a setup: buckets with notifications, and the service agent of a project. */
export interface GcsSetupServer {
  readonly endpoint: string;
  /** Notifications by bucket, as they were created. */
  readonly notifications: ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>;
  stop(): Promise<void>;
}

/** Takes identical notifications twice, as the service does. */
export async function startGcsSetupServer(
  buckets: readonly string[],
  projectNumber = '4711',
): Promise<GcsSetupServer> {
  const notifications = new Map<string, Readonly<Record<string, unknown>>[]>(
    buckets.map((name) => [name, []]),
  );
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://gcs');
    const body = await readBody(request);
    const answer = route(request.method ?? '', pathname, body);
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { error: { code: 404, message: 'Not Found' } }));
  });
  const route = (method: string, pathname: string, body: string): unknown => {
    const [, bucket = '', rest] = /\/b\/([^/]+)(\/notificationConfigs)?$/.exec(pathname) ?? [];
    const known = notifications.get(bucket);
    if (pathname.endsWith('/serviceAccount'))
      return { email_address: `service-${projectNumber}@gs-project-accounts.iam.gserviceaccount.com` };
    if (known === undefined) return undefined;
    if (rest === undefined) return { name: bucket, projectNumber };
    if (method === 'GET') return { items: known };
    const made = { ...(JSON.parse(body) as object), id: String(known.length + 1) };
    known.push(made);
    return made;
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    notifications,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
