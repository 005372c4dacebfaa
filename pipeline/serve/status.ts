import { SamovarError } from '../errors.ts';
import { codeOf, httpOf, type StatusName } from '../net/grpc-status.ts';

/** A request that is refused. Its message goes to the client as it is. */
export class Refusal extends Error {
  readonly status: StatusName;

  constructor(status: StatusName, message: string) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
  }
}

export interface Answer {
  readonly status: StatusName;
  /** gRPC's number. */
  readonly code: number;
  readonly http: number;
  readonly message: string;
  /** The client can do nothing about it: it belongs into the log. */
  readonly ours: boolean;
}

/** What a client is told of an error: our own words only, never those of a library or a database. */
export function answerOf(error: unknown): Answer {
  if (error instanceof Refusal) return answer(error.status, error.message, false);
  if (error instanceof SamovarError) {
    if (error.code === 'aborted') return answer('UNAVAILABLE', 'the server is ending: try again', false);
    if (error.code === 'conflict') return answer('ABORTED', error.message, true);
    return answer('UNAVAILABLE', 'the server could not read what it keeps: try again', true);
  }
  return answer('INTERNAL', 'the request failed: the server has the reason in its log', true);
}

function answer(status: StatusName, message: string, ours: boolean): Answer {
  return { status, code: codeOf(status), http: httpOf(status), message, ours };
}
