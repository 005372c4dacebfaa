import { SamovarError } from '../errors.ts';

/** gRPC's status codes that are given here, with the HTTP status of each in the JSON form. */
const STATUS = {
  CANCELLED: [1, 499],
  UNKNOWN: [2, 500],
  INVALID_ARGUMENT: [3, 400],
  DEADLINE_EXCEEDED: [4, 504],
  NOT_FOUND: [5, 404],
  RESOURCE_EXHAUSTED: [8, 429],
  FAILED_PRECONDITION: [9, 400],
  ABORTED: [10, 409],
  UNIMPLEMENTED: [12, 501],
  INTERNAL: [13, 500],
  UNAVAILABLE: [14, 503],
  UNAUTHENTICATED: [16, 401],
} as const satisfies Readonly<Record<string, readonly [code: number, http: number]>>;

export type StatusName = keyof typeof STATUS;

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
  const [code, http] = STATUS[status];
  return { status, code, http, message, ours };
}
