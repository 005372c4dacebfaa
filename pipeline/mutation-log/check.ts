import type { Scan } from './scan.ts';

/** Something that is wrong with a log. */
export interface Finding {
  /**
   * damaged: from an offset on there are no records; hash: its bytes are not those that its name says; missing: there is no such
   * segment; manifest: it cannot be read, or names an object that is not there.
   */
  readonly kind: 'damaged' | 'hash' | 'missing' | 'manifest';
  /** The object or file. */
  readonly subject: string;
  readonly segment?: number;
  readonly offset?: number;
  readonly reason: string;
}

export interface LogCheck {
  readonly url: string;
  readonly segments: number;
  /** Whole ones, before any damage of their segment. */
  readonly records: number;
  readonly bytes: number;
  /** In the order of segments. None: all is right. */
  readonly findings: readonly Finding[];
  /** What is no harm: objects of a writer that was stopped, which the next one tidies away. */
  readonly notes: readonly string[];
}

export function damageOf(subject: string, segment: number, { damage, bytes }: Scan): readonly Finding[] {
  if (damage === undefined) return [];
  const { offset, reason } = damage;
  return [
    { kind: 'damaged', subject, segment, offset, reason: `${reason}; ${bytes - offset} bytes from there on` },
  ];
}
