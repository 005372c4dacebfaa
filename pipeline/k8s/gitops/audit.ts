import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SamovarError } from '../../errors.ts';
import type { Request } from './command.ts';

/** One line of the audit file. */
export interface AuditEntry {
  readonly event: 'asked' | 'denied' | 'waiting' | 'approved' | 'rejected' | 'done' | 'unchanged' | 'failed';
  readonly request: Request;
  readonly target?: string;
  readonly changes?: readonly string[];
  readonly commit?: string;
  readonly branch?: string;
  readonly url?: string;
  /** Of those who approved. */
  readonly approvals?: readonly string[];
  /** Whose command it is about, for approved and rejected. */
  readonly of?: string;
  readonly reason?: string;
}

export type Audit = (entry: AuditEntry) => Promise<void>;

/** Appends JSON lines, each in one write. Throws `storage`: what cannot be noted as asked is not done. */
export function fileAudit(file: string, nowMs: () => number): Audit {
  return async ({ request, ...entry }) => {
    const { person, id, text } = request;
    const head = { at: new Date(nowMs()).toISOString(), event: entry.event, requestId: id, by: person.id };
    const line = JSON.stringify({ ...head, name: person.name, text, ...entry });
    try {
      await mkdir(dirname(file), { recursive: true });
      await appendFile(file, `${line}\n`, { mode: 0o600 });
    } catch (cause) {
      const then =
        entry.event === 'asked' ? 'so nothing is done' : `that ${id} is ${entry.event} is not noted`;
      throw new SamovarError('storage', `the audit file ${file} cannot be written, ${then}`, {
        subject: file,
        remedy: 'Make room there, or make it a file that the bot may write.',
        cause,
      });
    }
  };
}
