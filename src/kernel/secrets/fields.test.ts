import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFieldCipher } from './fields.ts'

const key = (id: string) => ({ id, key: randomBytes(32) })
const [first, second] = [key('k1'), key('k2')]
const cipher = createFieldCipher([first])
const text = fc.string({ unit: 'binary' })

describe('an encrypted field', () => {
  test('decrypts to the original text', () => {
    fc.assert(fc.property(text, (plain) => cipher.decrypt(cipher.encrypt(plain)) === plain))
  })

  test('looks different every time and names its key', () => {
    expect(cipher.encrypt('13800138000')).not.toBe(cipher.encrypt('13800138000'))
    expect(cipher.encrypt('13800138000')).toMatch(/^v1\.k1\.[\w-]{16}\.[\w-]{22}\.[\w-]+$/)
    expect(cipher.currentKeyId).toBe('k1')
  })

  test('is refused when any byte of it was altered', () => {
    fc.assert(
      fc.property(text, fc.nat(), fc.integer({ min: 1, max: 255 }), (plain, at, by) => {
        const [version, id, ...parts] = cipher.encrypt(plain).split('.')
        const bytes = parts.map((part) => Buffer.from(part, 'base64url'))
        const all = Buffer.concat(bytes)
        const index = at % all.length
        all.writeUInt8(all.readUInt8(index) ^ by, index)
        const altered = [all.subarray(0, 12), all.subarray(12, 28), all.subarray(28)].map((part) =>
          part.toString('base64url'),
        )
        expect(() => cipher.decrypt([version, id, ...altered].join('.'))).toThrow(/altered/)
      }),
    )
  })

  test('is refused when its tag was shortened, which would make it guessable', () => {
    const [version, id, iv, tag = '', data] = cipher.encrypt('secret').split('.')
    expect(() => cipher.decrypt([version, id, iv, tag.slice(0, 6), data].join('.'))).toThrow(/altered/)
  })

  test.each(['', 'plain text', 'v1.k1.a.b', 'v2.k1.a.b.c', 'v1.k1.a.b.c.d', 'v1.k1...'])('%j is not one', (stored) => {
    expect(() => cipher.decrypt(stored)).toThrow(/encrypted field/)
  })

  test('names the missing key and nothing of its contents', () => {
    expect(() => cipher.decrypt(createFieldCipher([second]).encrypt('13800138000'))).toThrow(
      /needs key "k2".* not in FIELD_KEYS/,
    )
  })

  test('cannot be moved to another key by renaming it', () => {
    const both = createFieldCipher([second, first])
    expect(() => both.decrypt(cipher.encrypt('secret').replace('v1.k1', 'v1.k2'))).toThrow(/altered/)
  })
})

describe('rotation', () => {
  const rotated = createFieldCipher([second, first])

  test('keeps old texts readable and encrypts new ones with the new key', () => {
    expect(rotated.decrypt(cipher.encrypt('old'))).toBe('old')
    expect(rotated.encrypt('new')).toMatch(/^v1\.k2\./)
  })

  test('changes no blind index', () => {
    fc.assert(
      fc.property(
        text,
        (plain) => rotated.blindIndex(plain, 'users.phone') === cipher.blindIndex(plain, 'users.phone'),
      ),
    )
  })
})

describe('a blind index', () => {
  test('is equal only for equal texts', () => {
    fc.assert(
      fc.property(text, text, (a, b) => (cipher.blindIndex(a, 'p') === cipher.blindIndex(b, 'p')) === (a === b)),
    )
  })

  test('differs between purposes and between installations', () => {
    expect(cipher.blindIndex('138', 'users.phone')).not.toBe(cipher.blindIndex('138', 'patients.phone'))
    expect(cipher.blindIndex('138', 'users.phone')).not.toBe(
      createFieldCipher([second]).blindIndex('138', 'users.phone'),
    )
  })
})
