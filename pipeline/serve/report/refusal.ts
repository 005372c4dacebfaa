import { SamovarError } from '../../errors.ts';

export type Status = 400 | 403 | 404 | 405 | 413 | 414 | 500 | 503;

/** An answer that is none: its words go to whoever asked, and hold nothing of ours. */
export class ReportRefusal extends Error {
  readonly status: Status;
  readonly remedy: string | undefined;
  readonly retryAfterS: number | undefined;

  constructor(
    status: Status,
    message: string,
    { remedy, retryAfterS }: { readonly remedy?: string; readonly retryAfterS?: number } = {},
  ) {
    super(message);
    this.name = 'ReportRefusal';
    this.status = status;
    this.remedy = remedy;
    this.retryAfterS = retryAfterS;
  }
}

export function noSuch(what: 'job' | 'test' | 'build' | 'group of failures'): ReportRefusal {
  const remedy = 'It may be older, or of another table: --days and --table of this server decide.';
  return new ReportRefusal(404, `there is no such ${what} in the time that is shown`, { remedy });
}

/**
 * What an error of the warehouse is to a client. Only what is said of an absent table, of a wrong wish and of a busy file goes out as
 * it is: other errors have words of a server's in them.
 */
export function refusalOf(error: unknown): ReportRefusal {
  if (error instanceof ReportRefusal) return error;
  if (!(error instanceof SamovarError))
    return new ReportRefusal(500, 'this failed: the log of this server says why');
  const remedy = error.remedy === undefined ? {} : { remedy: error.remedy };
  if (error.code === 'missing') return new ReportRefusal(503, error.message, { ...remedy, retryAfterS: 60 });
  if (error.code === 'config') return new ReportRefusal(400, error.message, remedy);
  if (error.code === 'timeout' || error.code === 'aborted')
    return new ReportRefusal(503, 'the warehouse takes too long to answer', {
      remedy: 'Ask again later, or start the server with fewer --days.',
      retryAfterS: 30,
    });
  if (error.code === 'conflict')
    return new ReportRefusal(503, 'the warehouse is being written, and cannot be read now', {
      retryAfterS: 5,
    });
  return new ReportRefusal(503, 'the warehouse does not answer: the log of this server says why', {
    retryAfterS: 30,
  });
}
