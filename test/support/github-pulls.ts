import { execFileSync } from 'node:child_process';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Pull {
  readonly number: number;
  readonly html_url: string;
  readonly title: string;
  readonly body: string;
  readonly head: string;
  readonly base: string;
  readonly labels: string[];
}

export interface FakeGithub {
  readonly apiUrl: string;
  readonly pulls: readonly Pull[];
  /** The token may read, and not write pull requests. */
  isReadOnly: boolean;
  /** The next answer to a new pull request is lost: it is made, the client hears nothing. */
  losesAnswer: boolean;
  close(): Promise<void>;
}

export interface GithubWorld {
  readonly repository: string;
  readonly token: string;
  /** The bare repository whose branches there are. */
  readonly folder: string;
}

/** GitHub's REST API as far as pull requests and their labels go: what it refuses is refused, with its status. */
export async function startGithub(world: GithubWorld): Promise<FakeGithub> {
  const pulls: Pull[] = [];
  const state = { isReadOnly: false, losesAnswer: false };
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
    const [status, value] = answer(world, { pulls, ...state }, request, text);
    if (status === 201 && state.losesAnswer) {
      state.losesAnswer = false;
      return response.destroy();
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pulls,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return Object.assign(state, own);
}

type Answer = readonly [status: number, value: unknown];
const said = (status: number, message: string): Answer => [status, { message }];

function answer(
  { repository, token, folder }: GithubWorld,
  { pulls, isReadOnly }: { readonly pulls: Pull[]; readonly isReadOnly: boolean },
  { method, url = '', headers }: IncomingMessage,
  text: string,
): Answer {
  const { pathname, searchParams } = new URL(url, 'http://github');
  if (!headers['user-agent']) return said(403, 'Request forbidden by administrative rules.');
  if (headers.authorization !== `Bearer ${token}`) return said(401, 'Bad credentials');
  if (headers['x-github-api-version'] !== '2022-11-28') return said(400, 'Unsupported API version');
  if (!pathname.startsWith(`/repos/${repository}/`)) return said(404, 'Not Found');
  const path = pathname.slice(`/repos/${repository}`.length);
  if (method === 'GET' && path === '/pulls') return [200, found(pulls, repository, searchParams)];
  if (method !== 'POST') return said(404, 'Not Found');
  if (isReadOnly) return said(403, 'Resource not accessible by personal access token');
  const body = JSON.parse(text) as Record<string, unknown>;
  if (path === '/pulls') return create(pulls, { repository, folder }, body);
  const number = Number(/^\/issues\/(\d+)\/labels$/.exec(path)?.[1]);
  const pull = pulls.find((one) => one.number === number);
  if (pull === undefined) return said(404, 'Not Found');
  if (!Array.isArray(body.labels) || body.labels.some((label) => typeof label !== 'string'))
    return said(422, 'Validation Failed');
  pull.labels.push(...(body.labels as string[]));
  return [200, pull.labels.map((name) => ({ name }))];
}

function found(pulls: readonly Pull[], repository: string, query: URLSearchParams): readonly Pull[] {
  const [owner = ''] = repository.split('/');
  const isWanted = ({ head, base }: Pull) =>
    (query.get('head') ?? `${owner}:${head}`) === `${owner}:${head}` && (query.get('base') ?? base) === base;
  return pulls.filter(isWanted);
}

function create(
  pulls: Pull[],
  { repository, folder }: { readonly repository: string; readonly folder: string },
  { title, body, head, base }: Record<string, unknown>,
): Answer {
  const invalid = said(422, 'Validation Failed');
  if (typeof title !== 'string' || title === '' || typeof body !== 'string') return invalid;
  if (typeof head !== 'string' || typeof base !== 'string') return invalid;
  const commits = [head, base].map((branch) => commitOf(folder, branch));
  // Branches that are not there, nothing to merge, or one that is open already.
  if (commits.includes(undefined) || commits[0] === commits[1]) return invalid;
  if (pulls.some((one) => one.head === head && one.base === base)) return invalid;
  const number = pulls.length + 7;
  const html_url = `https://github.example/${repository}/pull/${number}`;
  const pull = { number, html_url, title, body, head, base, labels: [] };
  pulls.push(pull);
  return [201, pull];
}

function commitOf(folder: string, branch: string): string | undefined {
  try {
    const args = ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`];
    return execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  } catch {
    return undefined;
  }
}
