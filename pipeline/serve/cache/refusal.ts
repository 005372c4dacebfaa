/** An answer that is no success: its words go to the client, and must hold nothing of an upstream's or of ours. */
export class HttpRefusal extends Error {
  readonly status: RefusalStatus;
  readonly retryAfterS: number | undefined;

  constructor(
    status: RefusalStatus,
    message: string,
    { retryAfterS }: { readonly retryAfterS?: number } = {},
  ) {
    super(message);
    this.name = 'HttpRefusal';
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 414 | 415 | 429 | 502 | 503;
