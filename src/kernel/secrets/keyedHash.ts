import { createHmac, hkdfSync } from 'node:crypto'
import type { Config } from '../../config.ts'
import { onceFor } from '../onceFor.ts'

const keysOf = onceFor((_: Pick<Config, 'secretKey'>) => new Map<string, Buffer>())

/**
 * HMAC-SHA-256 of a text with a key of its own for each purpose (HKDF from SECRET_KEY): for what is compared and never read back. Without
 * SECRET_KEY a short secret can't be found again by trying.
 */
export function keyedHash(config: Pick<Config, 'secretKey'>, purpose: string, text: string): Buffer {
  const own = keysOf(config)
  let key = own.get(purpose)
  if (!key) {
    key = Buffer.from(hkdfSync('sha256', config.secretKey, '', `yuyue keyed hash ${purpose}`, 32))
    own.set(purpose, key)
  }
  return createHmac('sha256', key).update(text).digest()
}
