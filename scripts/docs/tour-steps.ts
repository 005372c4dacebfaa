import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const TOUR_DOCUMENT = resolve(import.meta.dirname, '../../docs/tour.md');

const ROOT = resolve(import.meta.dirname, '../..');
const STEP_LIMIT_MS = 240_000;
const PORT = '8321';
/** A line of the log: on a terminal it is progress that is drawn and gone, or words beside the result. */
const LOG_LINE = /^\{"level":\d+,.*\}\n/gm;
/** Where the reader is, on the page. */
const THERE = '/srv/tour';

/** A block of commands, and the block of what they print that stands below it. */
export interface TourStep {
  readonly commands: string;
  /** Absent: nothing is said of it but that it works. */
  readonly printed?: string;
  /** Only the words are compared: every number is this machine's. */
  readonly isAbout: boolean;
}

const STEP = /^```sh\n(?<commands>.*?)^```\n(?:\n```text(?<about> about)?\n(?<printed>.*?)^```\n)?/gms;

export function tourSteps(document: string): readonly TourStep[] {
  return [...document.matchAll(STEP)].map(({ groups }) => ({
    commands: groups?.commands ?? '',
    ...(groups?.printed !== undefined && { printed: groups.printed }),
    isAbout: groups?.about !== undefined,
  }));
}

/** The page with what the steps have printed just now. */
export function withPrinted(document: string, printed: readonly string[]): string {
  let at = 0;
  return document.replace(STEP, (block, ...rest) => {
    const groups = rest.at(-1) as { commands: string; about?: string; printed?: string };
    const text = printed[at] ?? '';
    at += 1;
    if (groups.printed === undefined) return block;
    return `\`\`\`sh\n${groups.commands}\`\`\`\n\n\`\`\`text${groups.about ?? ''}\n${text}\`\`\`\n`;
  });
}

export interface TourRun {
  /** What was printed, with this machine's places as the page names them. */
  readonly printed: string;
  readonly code: number;
}

export interface TourPlace {
  /** Empty at first; the steps share it. */
  readonly folder: string;
  /** What runs Samovar: `node dist/cli.js`. */
  readonly samovar: readonly string[];
  readonly port: number;
}

/** Runs one step as the reader would, in the reader's folder. A command that fails ends it. */
export function runStep({ commands }: TourStep, { folder, samovar, port }: TourPlace): Promise<TourRun> {
  const bin = join(folder, '..', 'bin');
  mkdirSync(bin, { recursive: true });
  const quoted = samovar.map((word) => `'${word}'`).join(' ');
  writeFileSync(join(bin, 'samovar'), `#!/bin/sh\nexec ${quoted} "$@"\n`);
  chmodSync(join(bin, 'samovar'), 0o755);
  const script = `set -euo pipefail\nexec 2>&1\n${commands.replaceAll(PORT, String(port))}`;
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, METADATA_SERVER_DETECTION: 'none' };
  return new Promise((done) => {
    const options = { cwd: folder, env, timeout: STEP_LIMIT_MS, maxBuffer: 1 << 24 };
    execFile('bash', ['-c', script], options, (error, stdout) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      const here = stdout.replace(LOG_LINE, '').replaceAll(folder, THERE).replaceAll(ROOT, '/srv/samovar');
      done({ printed: here.replaceAll(String(port), PORT), code });
    });
  });
}

/** What is to be the same everywhere: no times, sizes, dates and ids of builds; when it is only `about` it, no number at all. */
export function comparable(text: string, isAbout: boolean): string {
  const same = text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?/g, 'DATE')
    .replace(/\b[\d.]+ (ms|s|min|h|days?)\b( \d+ (s|min)\b)?/g, 'AGE')
    .replace(/\b[\d.]+ [KMGT]?i?B\b/g, 'SIZE')
    .replace(/\b\d{17,}\b/g, 'ID')
    .replace(/\b[0-9a-f]{20}\b/g, 'HASH');
  const words = isAbout ? same.replace(/-?\d+([.,]\d+)*/g, 'N') : same;
  return words
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .join('\n')
    .trim();
}
