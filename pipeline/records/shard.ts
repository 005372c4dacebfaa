import { createHash } from 'node:crypto';
import { SamovarError } from '../errors.ts';
import { isSnowflake, snowflakeTimeMs } from './ids.ts';

/** One of `count` parts that all builds fall into, counted from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** What a build is known by: its root's URL as configured, its job and its id. */
export interface BuildPlace {
  readonly root: string;
  readonly job: string;
  readonly build: string;
}

const DAY_MS = 86_400_000;
const DIGITS = 19;
/** More shards than GCS gives requests a second would only wait for each other. */
export const SHARDS_MAX = 5_000;

/** `3/8`: the fourth of eight. Throws `config` for anything else. */
export function parseShard(text: string, flag: string): Shard {
  const [, index, count] = /^(\d{1,5})\/(\d{1,5})$/.exec(text.trim()) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (index !== undefined && shard.count >= 1 && shard.count <= SHARDS_MAX && shard.index < shard.count)
    return shard;
  throw new SamovarError('config', `${flag}: "${text}" is no shard`, {
    remedy: `Give I/N, counted from 0: 0/8 to 7/8; N is at most ${SHARDS_MAX}.`,
  });
}

/**
 * The UTC day on which an id stands in the order of a listing: for a snowflake the day it was given out, for any other name that
 * sorts between two snowflakes the day of the one before it. So the builds of some days are whole ranges of a listing, whatever
 * other ids lie among them. Undefined for names before and after all snowflakes.
 */
export function slotDay(name: string): number | undefined {
  const [digits = ''] = /^[0-9]{0,19}/.exec(name) ?? [];
  const next = name.charCodeAt(digits.length);
  const isWhole = digits.length === DIGITS;
  // Of a shorter number what follows decides: a letter puts it behind all ids that begin with it, anything else before them.
  const filled = BigInt(digits.padEnd(DIGITS, !isWhole && next > 0x39 ? '9' : '0'));
  const floor = String(isWhole || next > 0x39 ? filled : filled - 1n);
  return isSnowflake(floor) ? Math.floor(snowflakeTimeMs(floor) / DAY_MS) : undefined;
}

/** When a day begins, epoch milliseconds. */
export function slotStartMs(day: number): number {
  return day * DAY_MS;
}

/** Which shard has the builds of a job on a day. */
export function shardOfDay(root: string, job: string, day: number, count: number): number {
  return hash(`${root}\n${job}\nday ${day}`) % count;
}

/** Which shard has a build: always the same one, whoever asks. A job's builds are spread by their days. */
export function shardOf({ root, job, build }: BuildPlace, count: number): number {
  const day = slotDay(build);
  return day === undefined
    ? hash(`${root}\n${job}\nname ${build}`) % count
    : shardOfDay(root, job, day, count);
}

function hash(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}
