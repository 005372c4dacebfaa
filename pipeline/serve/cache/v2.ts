import type { CacheRead } from '../../cache/contract.ts';
import { MAINTAINERS_EMPTY, STATIC_BLOCKS } from './blocks.ts';
import { joinArrays, membersOf } from './members.ts';
import type { Form, Made } from './package-answers.ts';
import type { BlockReads, KeyedReads, PackageReads } from './reads.ts';

const MESSAGE_CHARS_MAX = 200;

/** `{status, error, packages: {PACKAGE: {maintainers, data, blocks}}, blocks}`: made of stored texts, none of which is parsed. */
export const V2: Form = {
  name: 'v2',
  find: (subjects, query) => subjects.packagesOf(query),
  render: (made) => {
    const packages = made.reads.packages.map((name, at) => packageJson(made.reads, name, at));
    const error = JSON.stringify(errorOf(made));
    return `{"status":${made.status},"error":${error},"packages":{${packages.join(',')}},"blocks":${summaryOf(made.reads)}}`;
  },
};

function packageJson(reads: PackageReads, name: string, at: number): string {
  const members = membersOf(reads.static.reads[at]?.json ?? '{}');
  let data = '';
  let blocks = '';
  for (const keyed of reads.keyed) {
    data += `"${keyed.block.block}":${itemsOf(keyed, at)},`;
    blocks += `"${keyed.block.block}":${stateOf(keyed, at)},`;
  }
  for (const [block, { empty }] of Object.entries(STATIC_BLOCKS))
    data += `"${block}":${members?.get(block) ?? empty},`;
  const maintainers = members?.get('maintainers') ?? MAINTAINERS_EMPTY;
  const fixed = freshness(reads.static, reads.static.reads[at]);
  return `${JSON.stringify(name)}:{"maintainers":${maintainers},"data":{${data.slice(0, -1)}},"blocks":{${blocks}"static":${fixed}}}`;
}

/** The public items, and behind them those of the private entry where the reader may see it. */
export function itemsOf({ reads, privateReads, block }: KeyedReads, at: number): string {
  const json = reads[at]?.json ?? block.empty;
  const hidden = privateReads?.reads[at]?.json;
  return hidden === undefined ? json : joinArrays(json, hidden);
}

function stateOf(keyed: KeyedReads, at: number): string {
  const read = keyed.reads[at];
  const hidden = keyed.privateReads?.reads[at];
  return freshness(keyed, worse(read, hidden) ? hidden : read);
}

const RANK = { fresh: 0, stale: 1, error: 2, missing: 3 } as const;

function worse(read: CacheRead | undefined, other: CacheRead | undefined): boolean {
  if (read === undefined || other === undefined) return false;
  return RANK[other.state] > RANK[read.state];
}

function freshness({ availability }: BlockReads, read: CacheRead | undefined): string {
  if (read === undefined) return `{"state":"${availability}"}`;
  const { state, checkedAtMs, error } = read;
  const checked = checkedAtMs === undefined ? 'null' : `"${new Date(checkedAtMs).toISOString()}"`;
  const said = error === undefined || state === 'fresh' ? '' : `,"error":${errorJson(error)}`;
  return `{"state":"${state}","checked_at":${checked}${said}}`;
}

function errorJson({ code, message, atMs }: NonNullable<CacheRead['error']>): string {
  const said = message.slice(0, MESSAGE_CHARS_MAX);
  return JSON.stringify({ code, message: said, at: new Date(atMs).toISOString() });
}

/** Of each block over all packages: the worst state, and the oldest look at the upstream. */
function summaryOf({ static: fixed, keyed }: PackageReads): string {
  const parts = [
    ...keyed.map((block) => [block.block.block, block, block.privateReads] as const),
    ['static', fixed, undefined] as const,
  ];
  const entries = parts.map(([name, { availability, reads }, hidden]) => {
    const all = [...reads, ...(hidden?.reads ?? [])];
    return [name, all.length === 0 && availability !== 'on' ? { state: availability } : worstOf(all)];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

function worstOf(reads: readonly CacheRead[]) {
  let state: CacheRead['state'] = 'fresh';
  let oldestMs: number | undefined;
  let missing = 0;
  for (const read of reads) {
    if (RANK[read.state] > RANK[state]) state = read.state;
    if (read.state === 'missing') missing += 1;
    if (read.checkedAtMs !== undefined) oldestMs = Math.min(oldestMs ?? read.checkedAtMs, read.checkedAtMs);
  }
  return {
    state,
    oldest_checked_at: oldestMs === undefined ? null : new Date(oldestMs).toISOString(),
    missing,
  };
}

function errorOf({ status, found, reads }: Made): string | null {
  if (found.unknown.length > 0) return `unknown: ${found.unknown.join(', ')}`;
  if (found.pending.length > 0) return `not known yet: ${found.pending.join(', ')}`;
  if (reads.missingBlocks.length > 0) return `not known yet: ${reads.missingBlocks.join(', ')}`;
  return status === 202 ? 'some blocks are not cached yet: ask again' : null;
}
