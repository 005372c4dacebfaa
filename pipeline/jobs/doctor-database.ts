import type { HoldState } from '../store/hold.ts';
import type { DatabaseSize, Inspection } from '../store/inspect.ts';
import { type Check, type CheckFinding, failed, ok, skipped, warning } from './doctor.ts';
import { PAGES_LEFT_MIN } from './monitor-limits.ts';

const DAY_MS = 86_400_000;
const MB = 1e6;
/** Larger ones are read whole only when asked for: SQLite cannot be stopped half way. */
const CHECKED_BYTES_MAX = 1e9;
const WAL_BYTES_MAX = 1e9;
const DISK_FREE_BYTES_MIN = 1e9;
const CLOCK_AHEAD_MS = 5 * 60_000;

export interface DatabaseChecks {
  readonly file: string;
  /** Opens it to read only; undefined: it is not there. */
  readonly inspect: () => Inspection | undefined;
  readonly hold: () => HoldState;
  readonly disk: () => Promise<{ readonly freeBytes: number }>;
  /** Read the whole file, however large it is. */
  readonly deep: boolean;
  readonly nowMs: number;
}

/** Integrity, version, room and holder of one database. `area`: what it is called in the results. */
export function databaseChecks(area: string, given: DatabaseChecks): readonly Check[] {
  const { file } = given;
  const inside = (read: (inspection: Inspection) => CheckFinding) => () => {
    const inspection = given.inspect();
    if (inspection === undefined) return skipped('it is not there yet');
    try {
      return read(inspection);
    } finally {
      inspection.close();
    }
  };
  const remedy = `Check that ${file} and its folder can be read by this user; else restore it from a copy.`;
  return [
    { area, name: 'file and version', remedy, run: inside((inspection) => version(inspection)) },
    { area, name: 'integrity', remedy, run: inside((inspection) => integrity(inspection, given)) },
    { area, name: 'size and log', remedy, run: inside((inspection) => room(inspection.size(), file)) },
    {
      area,
      name: 'disk',
      remedy: 'Look at the disk with df.',
      run: async () => diskRoom(await given.disk()),
    },
    { area, name: 'who works on it', remedy, run: () => holder(given.hold(), given.nowMs) },
    {
      area,
      name: 'times in it',
      remedy: 'Set the clock of this machine right.',
      run: inside((inspection) => times(inspection, given.nowMs)),
    },
  ];
}

function version({ kind, schema, schemaKnown, file }: Inspection): CheckFinding {
  if (kind === 'samovar')
    return schema === schemaKnown
      ? ok(`${file}, schema ${schema}`)
      : ok(`${file}, schema ${schema}: the next run that writes brings it to ${schemaKnown}`);
  if (kind === 'kettle')
    return ok(`${file} is of Kettle: the next \`samovar update\` upgrades it, after a copy`);
  if (kind === 'empty') return warning(`${file} is empty`, 'Run `samovar update`, or remove the file.');
  return kind === 'newer'
    ? failed(
        `${file} has schema ${schema}, this program knows ${schemaKnown}`,
        'Install the newer Samovar again.',
      )
    : failed(`${file} is neither Samovar's nor Kettle's`, 'Name another file with --db (or SAMOVAR_DB).');
}

function integrity(inspection: Inspection, { deep, file }: DatabaseChecks): CheckFinding {
  const { fileBytes, walBytes } = inspection.size();
  const bytes = fileBytes + walBytes;
  if (!deep && bytes > CHECKED_BYTES_MAX)
    return skipped(`${Math.round(bytes / 1e9)} GB take minutes to read: say --deep to have it done`);
  const [wrong, ...more] = inspection.quickCheck();
  if (wrong !== undefined)
    return failed(
      `${wrong}${more.length > 0 ? ` and ${more.length} more` : ''}`,
      `Stop what writes to ${file}; restore it from a copy, or save what can be read (sqlite3 ${file} .recover).`,
    );
  const orphans = inspection.foreignKeys();
  if (orphans.length === 0) return ok('every page and every reference');
  return failed(
    `rows that refer to nothing: ${orphans.map(({ table, rows }) => `${rows} of ${table}`).join(', ')}`,
    'Something else than Samovar has written to it: restore it from a copy.',
  );
}

function room(
  { pagesLeft, pageBytes, walBytes, fileBytes, pages, pagesFree }: DatabaseSize,
  file: string,
): CheckFinding {
  const size = `${megabytes(fileBytes)} MB`;
  if (pagesLeft < PAGES_LEFT_MIN)
    return failed(
      `${size}, and only ${pagesLeft} pages of ${pageBytes} bytes are left under SQLite's limit`,
      'Run `samovar prune` to drop raw XML, or begin a new database.',
    );
  if (walBytes > WAL_BYTES_MAX)
    return warning(
      `its log (${file}-wal) has ${megabytes(walBytes)} MB`,
      'A reader keeps it open for long: end that one. The next run that writes then folds the log into the file.',
    );
  const free = Math.round((pagesFree / Math.max(1, pages)) * 100);
  return ok(`${size}, ${megabytes(walBytes)} MB in its log, ${free} % of it free`);
}

const megabytes = (bytes: number) => (bytes / MB).toFixed(bytes < 10 * MB ? 1 : 0);

function diskRoom({ freeBytes }: { readonly freeBytes: number }): CheckFinding {
  const free = `${megabytes(freeBytes)} MB free`;
  return freeBytes < DISK_FREE_BYTES_MIN
    ? failed(free, 'Make room: `samovar prune` drops raw XML; else make the disk larger.')
    : ok(free);
}

function holder({ state, holder: who }: HoldState, nowMs: number): CheckFinding {
  if (state === 'free') return ok('nobody');
  if (state === 'unknown')
    return warning(
      'not known: the .hold file beside it cannot be read',
      'Look as the user that runs Samovar.',
    );
  if (who === undefined) return ok('another process');
  const text = `samovar ${who.command}, process ${who.process} on ${who.host}, since ${new Date(who.since).toISOString()}`;
  // A stream runs for good; a cycle that takes a day is stuck, or has very much to do.
  return who.command === 'update' && nowMs - who.since > DAY_MS
    ? warning(text, 'It has run for more than a day: see its log, and `samovar status`.')
    : ok(text);
}

function times(inspection: Inspection, nowMs: number): CheckFinding {
  const newest = Math.max(0, ...inspection.roots().map(({ newestAt }) => newestAt ?? 0));
  if (newest === 0) return skipped('no builds');
  return newest > nowMs + CLOCK_AHEAD_MS
    ? warning(
        `the newest build ended ${Math.round((newest - nowMs) / 60_000)} minutes from now`,
        'The clock of this machine is behind, or that of CI ahead: compare both with a time server.',
      )
    : ok('no build is of the future');
}
