import { createHash } from 'node:crypto';
import type { CacheRead, Provider, ProviderClocks } from '../../cache/contract.ts';
import type { Cache } from '../../cache/engine.ts';
import { KEYED_BLOCKS, type KeyedBlock, STATIC_BLOCKS, STATIC_PROVIDER } from './blocks.ts';
import { membersOf } from './members.ts';
import type { Wishes } from './wishes.ts';

/** off: there is no such provider here. retired: its upstream is gone. Both are answered as empty, and complete. */
export type Availability = 'on' | 'off' | 'retired';

/** What is cached of one block, in the order of the packages; no reads unless it is on. */
export interface BlockReads {
  readonly provider: string;
  readonly availability: Availability;
  readonly reads: readonly CacheRead[];
}

export interface KeyedReads extends BlockReads {
  readonly block: KeyedBlock;
  /** Of those items that only some may see; undefined for all others. */
  readonly privateReads: BlockReads | undefined;
}

/** All that is cached of some packages. */
export interface PackageReads {
  readonly packages: readonly string[];
  readonly static: BlockReads;
  /** Static blocks of which nothing is known yet, not even that there is nothing. */
  readonly missingBlocks: readonly string[];
  readonly keyed: readonly KeyedReads[];
}

export interface Reader {
  readPackages(packages: readonly string[], withPrivate: boolean): PackageReads;
}

export function createReader(cache: Cache, wishes: Wishes): Reader {
  const providers = new Map(cache.providers.map((provider) => [provider.name, provider]));
  const readBlock = (name: string, packages: readonly string[]): BlockReads => {
    const availability = availabilityOf(providers.get(name));
    if (availability !== 'on') return { provider: name, availability, reads: [] };
    return { provider: name, availability, reads: cache.readMany(name, packages) };
  };
  return {
    readPackages: (packages, withPrivate) => {
      const fixed = readBlock(STATIC_PROVIDER, packages);
      wishes.wantRead(STATIC_PROVIDER, fixed.reads);
      const missing = missingBlocks(fixed.reads).filter(
        (block) => availabilityOf(providers.get(STATIC_BLOCKS[block].provider)) === 'on',
      );
      for (const block of missing) wishes.want(STATIC_BLOCKS[block].provider, [''], 'waiting');
      const keyed = KEYED_BLOCKS.map((block) => {
        const { privateProvider } = block;
        const wantsPrivate = withPrivate && privateProvider !== undefined;
        return {
          ...readBlock(block.provider, packages),
          block,
          privateReads: wantsPrivate ? readBlock(privateProvider, packages) : undefined,
        };
      });
      for (const { provider, reads } of keyed.flatMap(withPrivateReads)) wishes.wantRead(provider, reads);
      return { packages, static: fixed, missingBlocks: missing, keyed };
    },
  };
}

function availabilityOf(provider: Provider | undefined): Availability {
  if (provider === undefined) return 'off';
  return provider.kind === 'retired' ? 'retired' : 'on';
}

/** The same in every package's entry: what they are all made of was not there. So one of them tells. */
function missingBlocks(reads: readonly CacheRead[]): readonly (keyof typeof STATIC_BLOCKS)[] {
  const json = reads.find((read) => read.json !== undefined)?.json;
  const names = JSON.parse(membersOf(json ?? '{}')?.get('missing') ?? '[]') as readonly unknown[];
  const blocks = Object.keys(STATIC_BLOCKS) as (keyof typeof STATIC_BLOCKS)[];
  return blocks.filter((block) => names.includes(block));
}

function withPrivateReads(keyed: KeyedReads): readonly BlockReads[] {
  const { privateReads } = keyed;
  return privateReads?.availability === 'on' ? [keyed, privateReads] : [keyed];
}

export function allBlocks(found: PackageReads): readonly BlockReads[] {
  return [found.static, ...found.keyed.flatMap(withPrivateReads)];
}

/** Changes with any value, state or error of them; not when an upstream was only found unchanged. */
export function fingerprintOf(found: PackageReads): string {
  const hash = createHash('sha256');
  hash.update(found.packages.join(','));
  for (const { provider, availability, reads } of allBlocks(found)) {
    let text = `\n${provider} ${availability} `;
    for (const { seq, state, error } of reads) text += `${seq}${state}${error?.code ?? ''},`;
    hash.update(text);
  }
  return hash.digest('base64url').slice(0, 22);
}

/** The first moment at which time alone changes a state. */
export function nextChangeMs(found: PackageReads, cache: Cache, nowMs: number): number {
  const clocks = new Map(cache.providers.map(({ name, clocks }) => [name, clocks]));
  let next = Number.POSITIVE_INFINITY;
  for (const { provider, reads } of allBlocks(found)) {
    const own = clocks.get(provider);
    if (own === undefined) continue;
    for (const { ageMs } of reads) {
      if (ageMs !== undefined) next = Math.min(next, nowMs - ageMs + boundary(own, ageMs));
    }
  }
  return Math.max(next, nowMs + 1);
}

function boundary({ ttlMs, staleMs, errorMs }: ProviderClocks, ageMs: number): number {
  if (ageMs <= ttlMs) return ttlMs + 1;
  return ageMs <= ttlMs + staleMs ? ttlMs + staleMs + 1 : ttlMs + errorMs + 1;
}
