import { SamovarError } from '../../errors.ts';
import { MUTATION } from './messages.ts';
import type { Mutation } from './types.ts';
import { decodeMessage, encodeMessage } from './wire.ts';

/**
 * A mutation as maintner's Go code writes it: fields ascending, lists of numbers packed, zero values left out. Git and Gerrit
 * mutations cannot be made: whoever copies one copies its bytes.
 */
export function encodeMutation({ other: _, ...mutation }: Mutation): Uint8Array {
  return encodeMessage(mutation, MUTATION);
}

/** Throws `malformed` where the bytes are no mutation. Fields that are not known stay with what they are of, and are encoded again. */
export function decodeMutation(payload: Uint8Array): Mutation {
  try {
    const { git, gerrit, ...known } = decodeMessage(payload, MUTATION) as Mutation & {
      readonly git?: Uint8Array;
      readonly gerrit?: Uint8Array;
    };
    const other = git !== undefined ? 'git' : gerrit !== undefined ? 'gerrit' : undefined;
    return other === undefined ? known : { ...known, other };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SamovarError('malformed', `${payload.length} bytes are no mutation: ${reason}`, { cause });
  }
}
