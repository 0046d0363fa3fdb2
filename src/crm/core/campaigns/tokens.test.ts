import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isToken, readToken, retryKeyOf, tokenOf } from './tokens.ts'

const id = fc.integer({ min: 1, max: 2 ** 48 })

it('a token is read and belongs to one campaign, one recipient and one key', () => {
  fc.assert(
    fc.property(id, id, fc.nat(99), (campaignId, recipientId, position) => {
      const token = tokenOf('key', campaignId, recipientId)
      const given = readToken(`${token}.${position}`)
      expect(given).toEqual({ campaignId, recipientId, token, position })
      expect(readToken(token)?.position).toBeNull()
      expect(given && isToken('key', given)).toBe(true)
      expect(given && isToken('another', given)).toBe(false)
      expect(given && isToken('key', { ...given, recipientId: recipientId + 1 })).toBe(false)
      expect(given && isToken('key', { ...given, campaignId: campaignId + 1 })).toBe(false)
    }),
  )
})

it.each([
  '',
  'c',
  'c.1.2',
  'c.1.2.short',
  `c.1.2.${'x'.repeat(23)}`,
  `${tokenOf('key', 1, 2)}.100`,
  `x${tokenOf('key', 1, 2)}`,
])('%j is none', (text) => {
  expect(readToken(text)).toBeUndefined()
})

it('a retry key is a UUID that changes with kind, id, round and campaign, and with nothing else', () => {
  const keys = [
    retryKeyOf('key', 'push', 1, 1),
    retryKeyOf('key', 'multicast', 1, 1),
    retryKeyOf('key', 'push', 2, 1),
    retryKeyOf('key', 'push', 1, 2),
    retryKeyOf('another', 'push', 1, 1),
  ]
  expect(new Set(keys).size).toBe(5)
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(retryKeyOf('key', 'push', 1, 1)).toBe(keys[0])
})
