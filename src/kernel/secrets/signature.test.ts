import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSigner } from './signature.ts'

const signer = createSigner('a secret of at least thirty-two characters')
const text = fc.string({ unit: 'binary' })

describe('a signed token', () => {
  test('returns its payload for its purpose, and is safe in a URL', () => {
    fc.assert(
      fc.property(text, text, (payload, purpose) => {
        const token = signer.sign(payload, purpose)
        expect(token).toMatch(/^[\w-]*\.[\w-]{43}$/)
        expect(signer.verify(token, purpose)).toBe(payload)
      }),
    )
  })

  test('is refused for any other purpose', () => {
    expect(signer.verify(signer.sign('user 1', 'unsubscribe'), 'password reset')).toBeUndefined()
  })

  test('of another installation is refused', () => {
    const other = createSigner('another secret of thirty-two characters')
    expect(signer.verify(other.sign('user 1', 'unsubscribe'), 'unsubscribe')).toBeUndefined()
  })

  test('is refused when any character was replaced, even by another spelling of the same bytes', () => {
    const token = signer.sign('user 1', 'unsubscribe')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.='
    for (let at = 0; at < token.length; at += 1) {
      for (const letter of alphabet) {
        if (letter === token[at]) continue
        expect(signer.verify(token.slice(0, at) + letter + token.slice(at + 1), 'unsubscribe')).toBeUndefined()
      }
    }
    expect(signer.verify(`${token}=`, 'unsubscribe')).toBeUndefined()
    expect(signer.verify(`${token} `, 'unsubscribe')).toBeUndefined()
  })

  test('is never read from random text', () => {
    fc.assert(fc.property(text, (noise) => signer.verify(noise, 'unsubscribe') === undefined))
  })
})
