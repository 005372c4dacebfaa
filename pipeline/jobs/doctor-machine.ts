import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Warehouse } from '../backends/warehouse/contract.ts';
import { sqliteVersion } from '../store/inspect.ts';
import { type Check, failed, ok, skipped, warning } from './doctor.ts';

/** As package.json's `engines` says. */
export const NODE_MIN = [20, 15] as const;
const SKEW_MAX_MS = 30_000;

const AREA = 'this machine';

export interface VersionChecks {
  /** `v20.20.0` */
  readonly nodeVersion: string;
  /** A warehouse in memory; undefined: the configured one is not DuckDB. */
  readonly openDuckDb: (() => Promise<Warehouse>) | undefined;
}

export function versionChecks({ nodeVersion, openDuckDb }: VersionChecks): readonly Check[] {
  const again =
    'Run `npm ci` again on this machine: the native part is of another system or version of Node.';
  return [
    {
      area: AREA,
      name: 'Node.js',
      remedy: 'Install a supported version of Node.js.',
      run: () => {
        const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number);
        const [least, leastMinor] = NODE_MIN;
        const isOld = major < least || (major === least && minor < leastMinor);
        return isOld
          ? failed(`${nodeVersion}, at least ${NODE_MIN.join('.')} is needed`, 'Install a newer Node.js.')
          : ok(nodeVersion);
      },
    },
    { area: AREA, name: 'SQLite', remedy: again, run: () => ok(sqliteVersion()) },
    {
      area: AREA,
      name: 'DuckDB',
      remedy: again,
      run: async (signal) => {
        if (openDuckDb === undefined) return skipped('not used here');
        const warehouse = await openDuckDb();
        try {
          const [row] = await warehouse.query('SELECT version() AS version', { signal });
          return ok(String(row?.version));
        } finally {
          await warehouse.close();
        }
      },
    },
  ];
}

/** Folders that a run writes to: there and writable, or to be made. */
export function folderChecks(folders: readonly string[]): readonly Check[] {
  return [...new Set(folders)].map((folder) => ({
    area: AREA,
    name: `folder ${folder}`,
    remedy: 'Make it writable for the user that runs Samovar.',
    run: async () => {
      const there = await nearestFolder(folder);
      const made = there === folder ? 'writable' : `not there yet; ${there} is writable`;
      try {
        await access(there, constants.W_OK | constants.X_OK);
        return ok(made);
      } catch {
        return failed(`${there} cannot be written to`, `Give this user write access to ${there}.`);
      }
    },
  }));
}

/** The folder itself, or the nearest above it that is there. */
export async function nearestFolder(folder: string): Promise<string> {
  const above = dirname(folder);
  const found = await stat(folder).catch(() => undefined);
  return found !== undefined || above === folder ? folder : nearestFolder(above);
}

/** Files with secrets, by what they are for. What is in them is not read. */
export function secretChecks(files: Readonly<Record<string, string>>): readonly Check[] {
  return Object.entries(files).map(([what, file]) => ({
    area: 'credentials',
    name: what,
    remedy: `Check ${file}.`,
    run: async () => {
      const found = await stat(file).catch(() => undefined);
      if (found === undefined)
        return failed(`${file} is not there`, 'Put the file in place, or change the setting that names it.');
      try {
        await access(file, constants.R_OK);
      } catch {
        return failed(
          `${file} cannot be read by this user`,
          `chown it to the user that runs Samovar: ${file}`,
        );
      }
      const others = found.mode & 0o077;
      // A mounted Secret is a link to a file of the group's: only what the world may read is of concern.
      return (others & 0o007) === 0
        ? ok(file)
        : warning(`${file} can be read by everybody on this machine`, `chmod 600 ${file}`);
    },
  }));
}

/** Compares this machine's clock with what a server says: `Date`, whole seconds. */
export function clockCheck(
  url: string,
  ask: (url: string, signal: AbortSignal) => Promise<string | null>,
  nowMs: () => number,
): Check {
  return {
    area: AREA,
    name: 'clock',
    network: true,
    remedy: `Check that ${url} can be reached from here: proxy, firewall, DNS.`,
    run: async (signal) => {
      const askedMs = nowMs();
      const date = Date.parse((await ask(url, signal)) ?? '');
      if (Number.isNaN(date)) return skipped(`${url} tells no time`);
      // Between question and answer, in the middle of a second that has no fraction.
      const skewMs = Math.round((askedMs + nowMs()) / 2 - (date + 500));
      const seconds = Math.round(Math.abs(skewMs) / 1000);
      if (Math.abs(skewMs) <= SKEW_MAX_MS) return ok(`within ${Math.max(1, seconds)} s of ${url}`);
      return failed(
        `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} ${url}`,
        'Set it by a time server (chrony, systemd-timesyncd): tokens are refused, and ages are wrong.',
      );
    },
  };
}
