import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutText } from './text.ts'

describe('A text that is cut', () => {
  it.each([
    ['short', 10, 'short'],
    ['exactly', 7, 'exactly'],
    ['longer', 3, 'lon'],
    [`${'x'.repeat(99)}🏀z`, 100, `${'x'.repeat(99)}🏀`],
    [`${'x'.repeat(100)}🏀`, 100, 'x'.repeat(100)],
    ['👨‍👩‍👧‍👦!', 4, ''],
    ['e\u0301e\u0301', 3, 'e\u0301'],
    ['a\ud83cb', 10, 'a\ufffdb'],
    ['', 0, ''],
  ])('%j to %i is %j', (text, most, cut) => {
    expect(cutText(text, most)).toBe(cut)
  })

  it('is well-formed, a start of the text, and no longer than allowed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, most) => {
        const cut = cutText(text, most)
        return cut.isWellFormed() && text.toWellFormed().startsWith(cut) && [...cut].length <= most
      }),
    )
  })
})
