import type { StatusName } from '../../net/grpc-status.ts';

/** How a call failed: what the client is told. `ours`: not its worker's word. */
export class RouteError extends Error {
  readonly status: StatusName;
  readonly ours: boolean;

  constructor(
    status: StatusName,
    message: string,
    { ours = true, cause }: { ours?: boolean; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RouteError';
    this.status = status;
    this.ours = ours;
  }
}

/** A bug of ours says no more than that: its reason is in the log. */
export function routeError(error: unknown): RouteError {
  if (error instanceof RouteError) return error;
  return new RouteError('INTERNAL', 'the request failed: the router has the reason in its log', {
    cause: error,
  });
}
