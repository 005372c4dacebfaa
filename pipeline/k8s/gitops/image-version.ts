import { SamovarError } from '../../errors.ts';
import type { ImageVersion } from './command.ts';

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** What registries take as a tag, or a digest. Throws `refused`: kustomize would build anything, and pods would not start. */
export function imageVersion(text: string): ImageVersion {
  if (DIGEST.test(text)) return { kind: 'digest', value: text };
  if (TAG.test(text)) return { kind: 'tag', value: text };
  throw new SamovarError('refused', `image-tag(${text}) is no tag of an image`, {
    remedy:
      'A tag has letters, digits, _ . - and at most 128 characters; a digest is sha256: and 64 hexadecimal digits.',
  });
}
