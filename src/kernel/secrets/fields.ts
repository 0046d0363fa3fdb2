import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { FieldKeys } from '../../config/kinds.ts'

/** Encrypts sensitive fields (phone numbers, national ids, tokens of third parties) before they reach the database. */
export interface FieldCipher {
  /** Id of the key that `encrypt` uses. Stored texts that do not start with `v1.<this>.` are due for rotation. */
  readonly currentKeyId: string
  /** AES-256-GCM with the current key. The result is different each time. `plain` must be well-formed Unicode. */
  encrypt(plain: string): string
  /**
   * @throws Error if the text was altered, is not ours, or its key is no longer in FIELD_KEYS. The message has no
   * contents.
   */
  decrypt(stored: string): string
  /**
   * A keyed digest for unique constraints and exact look-up of an encrypted field. Normalise the text first (`+86 138…`
   * and `138…` differ). `purpose` is the column's name, so that equal texts in two columns have different digests.
   */
  blindIndex(plain: string, purpose: string): string
}

/**
 * A stored text is `v1.keyid.iv.tag.data`, the last three in base64url. Version and key id are authenticated too.
 *
 * Rotation: put a new key in front of FIELD_KEYS; old texts still decrypt, and new ones use the new key. Blind indexes
 * use a key derived from the *last* (oldest) one, so rotation does not change them. Therefore the last key must stay in
 * FIELD_KEYS; a key in between may be removed once no stored text uses it.
 */
export function createFieldCipher(fieldKeys: FieldKeys): FieldCipher {
  const keys = new Map(fieldKeys.map(({ id, key }) => [id, derive(key, 'field encryption')]))
  const current = fieldKeys[0]
  const currentKey = derive(current.key, 'field encryption')
  const indexRoot = (fieldKeys.at(-1) ?? current).key
  const indexKeys = new Map<string, Buffer>()

  return {
    currentKeyId: current.id,

    encrypt(plain) {
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', currentKey, iv)
      cipher.setAAD(Buffer.from(`v1.${current.id}`))
      const data = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return ['v1', current.id, ...[iv, cipher.getAuthTag(), data].map((part) => part.toString('base64url'))].join('.')
    },

    decrypt(stored) {
      const [version, id, iv, tag, data, ...rest] = stored.split('.')
      if (version !== 'v1' || !id || !iv || !tag || data === undefined || rest.length > 0) {
        throw new Error('An encrypted field is not in the form v1.keyid.iv.tag.data')
      }
      const key = keys.get(id)
      if (!key)
        throw new Error(`An encrypted field needs key ${JSON.stringify(id.slice(0, 16))}, which is not in FIELD_KEYS`)
      try {
        // The length of the tag is fixed: GCM would also accept shorter ones, which are easier to guess.
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: 16 })
        decipher.setAAD(Buffer.from(`v1.${id}`))
        decipher.setAuthTag(Buffer.from(tag, 'base64url'))
        return Buffer.concat([decipher.update(Buffer.from(data, 'base64url')), decipher.final()]).toString('utf8')
      } catch {
        throw new Error(
          `An encrypted field does not decrypt with key ${JSON.stringify(id)}: it was altered, or this is another key`,
        )
      }
    },

    blindIndex(plain, purpose) {
      let key = indexKeys.get(purpose)
      if (!key) {
        key = derive(indexRoot, `blind index ${purpose}`)
        indexKeys.set(purpose, key)
      }
      return createHmac('sha256', key).update(plain, 'utf8').digest('base64url')
    },
  }
}

function derive(key: Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `yuyue ${use}`, 32))
}
