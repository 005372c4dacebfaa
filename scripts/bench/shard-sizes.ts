import { aligned } from './report.ts';
import { short } from './statistics.ts';

/** What one shard alone was measured at. */
export interface ShardFigures {
  readonly cpuSPerBuild: number;
  readonly requestsPerBuild: number;
  /** Of rows in files, packed. */
  readonly bytesPerBuild: number;
}

/** Builds, and shards to read them with. */
const SIZES: readonly (readonly [number, number])[] = [
  [1e5, 1],
  [1e5, 4],
  [1e6, 16],
  [1e7, 64],
  [1e8, 256],
];
/** A bucket's at the start; it may double every twenty minutes. */
const READS_PER_S = 5_000;
const DOUBLING_S = 1_200;
const LOAD_BYTES = 2 ** 30;
const LOAD_ROWS = 500_000;
/** Bare builds and their ledger, measured with 40,000. */
const LOADER_BYTES_PER_BUILD = 394;

/** Hours, loads and requests of backfills, computed from one shard's figures as docs/scaling.md says. */
export function sizesText(figures: ShardFigures): readonly string[] {
  const { cpuSPerBuild: c, requestsPerBuild: q, bytesPerBuild: p } = figures;
  const rows = SIZES.map(([builds, shards]) => [
    `10^${Math.log10(builds)}`,
    String(shards),
    short((builds * c) / 3600),
    short((builds * c) / 3600 / shards),
    short(hoursWithRamp(builds, shards, figures)),
    short((builds * p) / 1e9),
    String(Math.ceil(Math.max((builds * p) / LOAD_BYTES, builds / LOAD_ROWS))),
    short((builds * LOADER_BYTES_PER_BUILD) / 1e9),
    short((builds * q) / 1e6),
  ]);
  const titles = [
    'builds',
    'shards',
    'CPU h',
    'h at once',
    'h with ramp',
    'GB packed',
    'loads',
    'loader GB',
    'M requests',
  ];
  return [
    `c = ${short(c)} CPU s, q = ${short(q)} requests, p = ${short(p)} packed bytes a build; ${short(1 / c)} builds/s and ` +
      `${short(q / c)} requests/s a core; shards at the start: ${Math.floor(READS_PER_S / (q / c))}`,
    ...aligned([titles, ...rows]),
  ];
}

/** As many requests as the bucket takes, and no more builds than the shards read. */
function hoursWithRamp(
  builds: number,
  shards: number,
  { cpuSPerBuild, requestsPerBuild }: ShardFigures,
): number {
  const most = shards / cpuSPerBuild;
  let left = builds;
  for (let doublings = 0; ; doublings += 1) {
    const perS = Math.min(most, (READS_PER_S * 2 ** doublings) / requestsPerBuild);
    if (perS === most || left <= perS * DOUBLING_S) return (doublings * DOUBLING_S + left / perS) / 3600;
    left -= perS * DOUBLING_S;
  }
}
