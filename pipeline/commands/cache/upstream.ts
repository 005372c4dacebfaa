import { hostname } from 'node:os';
import { openUpstream } from '../../collect/sources/http/upstream.ts';
import type { Context } from '../../context.ts';
import type { OpenedCache } from '../../jobs/cache-open.ts';
import type { RolesContext } from '../../jobs/cache-roles.ts';

/** What a role of this process works with; `refreshes` at once. */
export function rolesOf(context: Context, opened: OpenedCache, refreshes?: number): RolesContext {
  const { settings, nowMs, sleep, random, signal, stopping, log } = context;
  const { seenMs, runsMs, bytesMax } = settings.cache;
  return {
    opened,
    http: connect(context, opened),
    name: `${hostname()}:${process.pid}`,
    refreshes: refreshes ?? settings.cache.refreshes,
    ...{ nowMs, sleep, random, signal, stopping },
    gc: { unseenMs: seenMs, runsMs, ...(bytesMax !== undefined && { bytesMax }) },
    onLead: (leads) => log.info(leads ? 'this process schedules' : 'another process schedules'),
    onGarbage: (entries) => log.info({ entries }, 'removed what nobody needs'),
  };
}

function connect(context: Context, { parts, store }: OpenedCache) {
  const { settings, nowMs, sleep, random, signal, onClose } = context;
  const { contact } = settings.cache;
  const upstream = openUpstream({
    hosts: store.cache.hosts,
    budgets: parts.hosts,
    ...{ nowMs, sleep, random, signal },
    userAgent: `samovar-cache/0.1${contact === undefined ? '' : ` (${contact})`}`,
  });
  onClose(() => upstream.close());
  return upstream;
}
