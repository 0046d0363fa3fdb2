import { describe, expect, test } from 'vitest'
import { compileTemplates } from '../notifications/texts/templates.ts'
import { hashPassword, isOutdated, verifyPassword } from './accounts/passwords.ts'
import { maskEmail, maskPhone, normalizePhone } from './accounts/phones.ts'
import { lockedUntil } from './logIn/lockout.ts'
import { plainAddress } from './logIn/visitor.ts'
import { identityNotificationTypes } from './notificationTypes.ts'

describe('a phone number', () => {
  test.each([
    ['13800138000', '+8613800138000'],
    ['138-0013-8000', '+8613800138000'],
    ['+86 138 0013 8000', '+8613800138000'],
    ['0086 13800138000', '+8613800138000'],
    ['１３８００１３８０００', '+8613800138000'],
    ['010-88888888', '+861088888888'],
    ['(0571) 8888 8888', '+8657188888888'],
    ['+1 (415) 555-2671', '+14155552671'],
    ['\u202d13800138000\u202c', '+8613800138000'],
    ['138\u200b0013\u00ad8000', '+8613800138000'],
    ['8613800138000', '+8613800138000'],
    ['86 138 0013 8000', '+8613800138000'],
    ['086-138-0013-8000', '+8613800138000'],
    ['+86 (0)21 5206 6273', '+862152066273'],
    ['86 010 8888 8888', '+861088888888'],
  ])('%s is %s', (text, normal) => {
    expect(normalizePhone(text)).toBe(normal)
    expect(normalizePhone(normal)).toBe(normal)
  })

  test.each(['', '1234', '12800138000', '+86 138', '+0 123456789', 'zhangsan', '+1234567890123456'])(
    '%j is none',
    (text) => {
      expect(normalizePhone(text)).toBeUndefined()
    },
  )

  test('and an e-mail address can be masked', () => {
    expect(maskPhone('+8613800138000')).toBe('+86*******8000')
    expect(maskEmail('zhangsan@example.com')).toBe('z***@example.com')
  })
})

describe('the lock', () => {
  const rule = { failures: 3, minutes: 10 }
  const at = (minute: number) => new Date(minute * 60_000)
  const newestFirst = (...minutes: number[]) => minutes.map(at).reverse()

  test('locks for the configured minutes after the last failure', () => {
    expect(lockedUntil(newestFirst(0, 4, 10), rule, at(10))).toEqual(at(20))
    expect(lockedUntil(newestFirst(0, 4, 10), rule, at(19))).toEqual(at(20))
    expect(lockedUntil(newestFirst(0, 4, 10), rule, at(20))).toBeUndefined()
  })

  test('does not lock for fewer or slower failures', () => {
    expect(lockedUntil(newestFirst(0, 4), rule, at(5))).toBeUndefined()
    expect(lockedUntil(newestFirst(0, 4, 11), rule, at(11))).toBeUndefined()
  })
})

describe('a password', () => {
  const cost = { memoryCost: 64, timeCost: 1, parallelism: 1 }

  test('is stored as argon2id with a new salt each time', async () => {
    const [one, two] = [await hashPassword('violet-harbour-42', cost), await hashPassword('violet-harbour-42', cost)]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$/)
    expect(one).not.toBe(two)
    expect(await verifyPassword(two, 'violet-harbour-42', cost)).toBe(true)
    expect(await verifyPassword(two, 'violet-harbour-43', cost)).toBe(false)
  })

  test('matches in every Unicode normal form', async () => {
    expect(await verifyPassword(await hashPassword('caf\u00e9 au lait', cost), 'cafe\u0301 au lait', cost)).toBe(true)
  })

  test('never matches when the account does not exist, not even the stand-in', async () => {
    expect(await verifyPassword(undefined, 'nobody has this password', cost)).toBe(false)
  })

  test('needs a new hash when the cost has changed', async () => {
    const stored = await hashPassword('violet-harbour-42', cost)
    expect(isOutdated(stored, cost)).toBe(false)
    expect(isOutdated(stored, { ...cost, timeCost: 2 })).toBe(true)
  })
})

test('stores IP addresses as PostgreSQL writes them', () => {
  expect(['::ffff:192.0.2.1', 'fe80::1%eth0', '2001:db8::1', 'unknown'].map(plainAddress)).toEqual([
    '192.0.2.1',
    'fe80::1',
    '2001:db8::1',
    '0.0.0.0',
  ])
})

test('the templates of account messages render their sample data', () => {
  expect(() => compileTemplates([...identityNotificationTypes])).not.toThrow()
})
