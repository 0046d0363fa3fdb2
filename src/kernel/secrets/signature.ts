import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** Signs data that leaves the program and must come back unchanged: links in mails, download and set-up tokens. */
export interface Signer {
  /** A token safe in a URL: the payload (readable by anybody) and its signature. */
  sign(payload: string, purpose: string): string
  /** The payload, or undefined if we did not sign the token for this purpose. The comparison takes constant time. */
  verify(token: string, purpose: string): string | undefined
}

/**
 * HMAC-SHA-256 with a key per purpose (HKDF from SECRET_KEY), so that a token made for one purpose is not valid for
 * another. A token has no expiry unless the payload contains one and the caller checks it.
 */
export function createSigner(secretKey: string): Signer {
  const keys = new Map<string, Buffer>()

  function signature(encoded: string, purpose: string): Buffer {
    let key = keys.get(purpose)
    if (!key) {
      key = Buffer.from(hkdfSync('sha256', secretKey, '', `yuyue signature ${purpose}`, 32))
      keys.set(purpose, key)
    }
    return Buffer.from(createHmac('sha256', key).update(encoded).digest('base64url'))
  }

  return {
    sign(payload, purpose) {
      const encoded = Buffer.from(payload, 'utf8').toString('base64url')
      return `${encoded}.${signature(encoded, purpose)}`
    },

    verify(token, purpose) {
      const dot = token.indexOf('.')
      if (dot === -1) return undefined
      const encoded = token.slice(0, dot)
      // Compare the texts, not the decoded bytes: base64 has several spellings of one value, but a token must have one.
      const given = Buffer.from(token.slice(dot + 1))
      const expected = signature(encoded, purpose)
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
      return Buffer.from(encoded, 'base64url').toString('utf8')
    },
  }
}
