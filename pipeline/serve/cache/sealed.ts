import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Values that a browser keeps for us and can neither read nor change. */
export interface Seal {
  /** `purpose` is bound to it: what was sealed for one thing does not open as another. */
  seal(purpose: string, value: unknown, untilMs: number): string;
  /** Undefined: not ours, changed, for something else, or too old. */
  open(purpose: string, text: string, nowMs: number): unknown;
}

/** AES-256-GCM with a key of the secret; without one, a new key. */
export function createSeal(secret: string | undefined): Seal {
  const key = Buffer.from(hkdfSync('sha256', secret ?? randomBytes(32), '', 'samovar cache sessions', 32));
  return {
    seal: (purpose, value, untilMs) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
      const text = JSON.stringify({ value, untilMs });
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open: (purpose, text, nowMs) => {
      const bytes = Buffer.from(text, 'base64url');
      if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
      try {
        const nonce = bytes.subarray(0, NONCE_BYTES);
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
          .setAAD(Buffer.from(purpose))
          .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const opened = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
        const whole = Buffer.concat([opened, decipher.final()]).toString();
        const { value, untilMs } = JSON.parse(whole) as { readonly value: unknown; readonly untilMs: number };
        return nowMs < untilMs ? value : undefined;
      } catch {
        return undefined;
      }
    },
  };
}
