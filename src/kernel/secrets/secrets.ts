import { createHmac, hkdfSync } from 'node:crypto'
import type { Config } from '../settings.ts'
import { createFieldCipher, type FieldCipher } from './fields.ts'
import { createSigner, type Signer } from './signature.ts'

/** Encryption, signatures and keyed digests with the keys of an installation. */
export interface Secrets {
  /** Encrypts sensitive fields before they reach the database. */
  readonly cipher: FieldCipher
  /** Signs links and tokens that leave the program. */
  readonly signer: Signer
  /**
   * HMAC-SHA-256 of a text with a key per purpose (HKDF from SECRET_KEY), for values that are compared and never read
   * back. Without SECRET_KEY, not even a short secret can be found by trying.
   */
  keyedHash(purpose: string, text: string): Buffer
}

/** Derives all keys from SECRET_KEY and FIELD_KEYS. */
export function createSecrets({ secretKey, fieldKeys }: Pick<Config, 'secretKey' | 'fieldKeys'>): Secrets {
  const keys = new Map<string, Buffer>()
  return {
    cipher: createFieldCipher(fieldKeys),
    signer: createSigner(secretKey),
    keyedHash(purpose, text) {
      let key = keys.get(purpose)
      if (!key) {
        key = Buffer.from(hkdfSync('sha256', secretKey, '', `yuyue keyed hash ${purpose}`, 32))
        keys.set(purpose, key)
      }
      return createHmac('sha256', key).update(text).digest()
    },
  }
}
