import { type ErrorCode, SamovarError } from '../../errors.ts';

/** gRPC's status codes, by number. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  1: 'aborted',
  2: 'unavailable',
  3: 'refused',
  4: 'timeout',
  5: 'missing',
  6: 'conflict',
  7: 'denied',
  8: 'throttled',
  9: 'refused',
  10: 'unavailable',
  13: 'unavailable',
  14: 'unavailable',
  16: 'denied',
};

const REMEDIES: Readonly<Partial<Record<ErrorCode, string>>> = {
  missing: 'Check project and subscription; `samovar setup` makes what is missing.',
  denied:
    'Give this account the role roles/pubsub.subscriber on the subscription, and check its credentials.',
};

/** What Google's library threw, in our words. */
export function pubSubError(url: string, what: string, cause: unknown): SamovarError {
  if (cause instanceof SamovarError) return cause;
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  const ours = typeof code === 'number' ? (CODES[code] ?? 'unavailable') : 'network';
  const remedy = REMEDIES[ours];
  return new SamovarError(ours, `${url}: ${what} failed`, {
    subject: url,
    ...(remedy !== undefined && { remedy }),
    cause,
  });
}

/** No further try can mend these. */
export function isFinal({ code }: SamovarError): boolean {
  return ['missing', 'denied', 'refused', 'config'].includes(code);
}
