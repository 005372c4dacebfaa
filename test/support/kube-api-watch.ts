import type { ServerResponse } from 'node:http';
import type { Kind } from '../../pipeline/k8s/cluster.ts';
import type { ApiRequest } from './kube-api.ts';
import { type Doc, failure } from './kube-api-json.ts';
import type { Matches } from './kube-api-selectors.ts';
import type { Change, Store } from './kube-api-store.ts';
import { kindOf, matcherOf } from './kube-api-verbs.ts';

export interface Watches {
  open(request: ApiRequest, response: ServerResponse): void;
  close(how: 'ended' | 'broken'): number;
  bookmark(): void;
  count(): number;
}

interface Watch {
  readonly bookmark: () => void;
  readonly end: (how: 'ended' | 'broken') => void;
}

const LIFE_SECONDS = 1_800;

export function createWatches(store: Store, lifeMsMax = Number.POSITIVE_INFINITY): Watches {
  const watches = new Set<Watch>();
  return {
    open: (request, response) => {
      const kind = kindOf(request);
      const matches = matcherOf(request);
      const from = versionIn(request);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      const tell = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`);
      // A real server answers 200 first, and then says that the version is too old.
      if (from !== '0' && Number(from) < store.oldest) {
        tell('ERROR', failure(410, 'Expired', `too old resource version: ${from} (${store.oldest})`).status);
        return void response.end();
      }
      const onChange = (change: Change) => {
        if (change.kind !== kind) return;
        const event = eventOf(change, matches);
        if (event) tell(event.type, event.object);
      };
      if (from === '0') for (const object of store.all(kind).filter(matches)) tell('ADDED', object);
      else for (const change of store.since(Number(from))) onChange(change);
      const allows = ['1', 'true'].includes(request.query.get('allowWatchBookmarks') ?? '');
      const bookmark = () => void (allows && tell('BOOKMARK', bookmarkOf(kind, store.version())));
      const unlisten = store.listen(onChange);
      const end = (how: 'ended' | 'broken') => {
        over();
        if (how === 'broken') response.destroy();
        else response.end();
      };
      const watch = { bookmark, end };
      const lifeMs = Math.min(Number(request.query.get('timeoutSeconds') ?? LIFE_SECONDS) * 1000, lifeMsMax);
      const timer = setTimeout(() => {
        bookmark();
        end('ended');
      }, lifeMs);
      watches.add(watch);
      const over = () => {
        clearTimeout(timer);
        unlisten();
        watches.delete(watch);
      };
      response.on('close', over);
    },
    close: (how) => {
      const open = [...watches];
      for (const watch of open) watch.end(how);
      return open.length;
    },
    bookmark: () => {
      for (const watch of watches) watch.bookmark();
    },
    count: () => watches.size,
  };
}

function versionIn({ query }: ApiRequest): string {
  const version = query.get('resourceVersion') || '0';
  if (/^\d+$/.test(version)) return version;
  throw failure(
    400,
    'BadRequest',
    `resourceVersion: Invalid value: "${version}": strconv.ParseUint: invalid syntax`,
  );
}

function bookmarkOf(kind: Kind, version: number): Doc {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  return {
    kind: kind.kind,
    apiVersion,
    metadata: { resourceVersion: String(version), creationTimestamp: null },
  };
}

/** What a change is to one who sees only what matches. */
function eventOf({ before, after, version }: Change, matches: Matches) {
  const was = before !== undefined && matches(before);
  const is = after !== undefined && matches(after);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: after };
  if (!was) return undefined;
  const metadata = { ...(before.metadata as Doc), resourceVersion: String(version) };
  return { type: 'DELETED', object: { ...before, metadata } };
}
