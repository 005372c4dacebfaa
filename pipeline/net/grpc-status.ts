/** gRPC's status codes by name: number, and the HTTP status of the JSON form. */
const CODES = {
  OK: [0, 200],
  CANCELLED: [1, 499],
  UNKNOWN: [2, 500],
  INVALID_ARGUMENT: [3, 400],
  DEADLINE_EXCEEDED: [4, 504],
  NOT_FOUND: [5, 404],
  ALREADY_EXISTS: [6, 409],
  PERMISSION_DENIED: [7, 403],
  RESOURCE_EXHAUSTED: [8, 429],
  FAILED_PRECONDITION: [9, 400],
  ABORTED: [10, 409],
  OUT_OF_RANGE: [11, 400],
  UNIMPLEMENTED: [12, 501],
  INTERNAL: [13, 500],
  UNAVAILABLE: [14, 503],
  DATA_LOSS: [15, 500],
  UNAUTHENTICATED: [16, 401],
} as const satisfies Readonly<Record<string, readonly [code: number, http: number]>>;

export type StatusName = keyof typeof CODES;

const BY_CODE = new Map<number, StatusName>(
  Object.entries(CODES).map(([name, [code]]) => [code, name as StatusName]),
);

export const codeOf = (status: StatusName): number => CODES[status][0];
export const httpOf = (status: StatusName): number => CODES[status][1];
export const statusOf = (code: number): StatusName => BY_CODE.get(code) ?? 'UNKNOWN';
