import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { CallOptions } from '../bucket/contract.ts';
import type { LoadRequest } from './contract.ts';
import { readSql } from './duckdb-load.ts';
import { checkFile, type FileRows } from './lines.ts';

/** In memory, and in a schema of its own, so that no table of the file is ever taken for it. */
const DATABASE = 'samovar_stage';
const TABLE = `${DATABASE}.kept.file_rows`;
/** Packed. What is larger is read again for each table: it would take memory for longer than it saves time. */
const FILE_BYTES_MAX = 4 << 20;

/**
 * The rows of the file read last. A stream gives the same rows to several tables at the same moment, each by a file of its own: they
 * are checked and read once, and inserted into each.
 */
export interface Stage {
  open(connection: DuckDBConnection): Promise<void>;
  /** Holds each row to the schema, as `checkFile`; a file whose content has been checked is not read again. */
  check(request: LoadRequest, options: CallOptions): Promise<Checked>;
  /** The SQL that gives the file's rows; on the connection of nobody's transaction. In turn. */
  source(connection: DuckDBConnection, request: LoadRequest, checked: Checked): Promise<string>;
}

export interface Checked extends FileRows {
  /** What the file has in it and what it is read as; undefined: it is not kept. */
  readonly content: string | undefined;
}

interface Kept {
  readonly content: string;
  readonly rows: Promise<FileRows>;
  /** Loads that want it. */
  wanted: number;
  isStaged: boolean;
}

export function createStage(): Stage {
  let kept: Kept | undefined;
  return {
    open: async (connection) => {
      await connection.run(`ATTACH ':memory:' AS ${DATABASE}`);
      await connection.run(`CREATE SCHEMA ${DATABASE}.kept`);
    },
    check: async (request, options) => {
      const { file, table } = request;
      const content = await contentOf(request);
      if (content === undefined) return { ...(await checkFile(file, table.schema, options)), content };
      if (kept?.content !== content)
        kept = { content, rows: checkFile(file, table.schema, options), wanted: 0, isStaged: false };
      const mine = kept;
      mine.wanted += 1;
      try {
        return { ...(await mine.rows), content };
      } catch {
        // Its error names another table's file, or the signal of another call.
        if (kept === mine) kept = undefined;
        return { ...(await checkFile(file, table.schema, options)), content: undefined };
      }
    },
    source: async (connection, request, { content, rowBytesMax }) => {
      const direct = readSql(request, rowBytesMax);
      if (content === undefined || kept?.content !== content || kept.wanted < 2) return direct;
      if (!kept.isStaged) {
        await connection.run(`CREATE OR REPLACE TABLE ${TABLE} AS ${direct}`);
        kept.isStaged = true;
      }
      return `SELECT * FROM ${TABLE}`;
    },
  };
}

async function contentOf({ file, table }: LoadRequest): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined || found.size > FILE_BYTES_MAX) return undefined;
  const hash = createHash('sha256').update(await readFile(file));
  return `${hash.digest('hex')} ${file.endsWith('.gz')} ${JSON.stringify(table.schema)}`;
}
