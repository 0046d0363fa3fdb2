import { describe, expect, it } from 'vitest'
import { acceptsCode, currentCode } from './code.ts'
import { actualMinutes, checkInRefusal, checkOutRefusal, lastCheckIn, settlement, type Visit } from './rules.ts'

const at = (time: string, seconds = '00') => new Date(`2026-03-03T${time}:${seconds}+08:00`)
const rules = { check_in_before_minutes: 15, check_in_after_minutes: 15, check_in_code_required: false }
const visit: Visit = {
  status: 'confirmed',
  startAt: at('09:00'),
  endAt: at('10:00'),
  createdAt: at('07:00'),
  checkedInAt: null,
}
const owner = { staff: false, codeAccepted: false }
const staff = { staff: true, codeAccepted: false }

describe('checking in', () => {
  it.each([
    ['08:44', 'too_early'],
    ['08:45', null],
    ['09:15', null],
    ['09:16', 'too_late'],
  ] as const)('at %s of a slot from 9 to 10 is answered by %s', (time, refusal) => {
    expect(checkInRefusal(visit, rules, owner, at(time))).toBe(refusal)
  })

  it('may be late by as much as the booking was', () => {
    const late = { ...visit, createdAt: at('09:20') }
    expect(lastCheckIn(late, rules)).toEqual(at('09:35'))
    expect(lastCheckIn({ ...visit, createdAt: at('09:50') }, rules)).toEqual(at('10:00'))
  })

  it('by staff begins with the window, and ends with the slot', () => {
    expect(checkInRefusal(visit, rules, staff, at('08:44'))).toBe('too_early')
    expect(checkInRefusal(visit, rules, staff, at('08:45'))).toBeNull()
    expect(checkInRefusal(visit, rules, staff, at('09:59'))).toBeNull()
    expect(checkInRefusal(visit, rules, staff, at('10:00'))).toBe('too_late')
  })

  it('requires the code from the owner only, if the rules say so', () => {
    const strict = { ...rules, check_in_code_required: true }
    expect(checkInRefusal(visit, strict, owner, at('09:00'))).toBe('wrong_code')
    expect(checkInRefusal(visit, strict, { ...owner, codeAccepted: true }, at('09:00'))).toBeNull()
    expect(checkInRefusal(visit, strict, staff, at('09:00'))).toBeNull()
  })

  it('of a no-show is for staff, until the slot ends', () => {
    const absent = { ...visit, status: 'no_show' } as const
    expect(checkInRefusal(absent, rules, owner, at('09:10'))).toBe('bad_state')
    expect(checkInRefusal(absent, rules, staff, at('09:40'))).toBeNull()
    expect(checkInRefusal(absent, rules, staff, at('10:00'))).toBe('too_late')
  })

  it('is else for confirmed reservations alone', () => {
    expect(checkInRefusal({ ...visit, status: 'pending' }, rules, staff, at('09:00'))).toBe('bad_state')
    expect(checkInRefusal({ ...visit, status: 'checked_in' }, rules, owner, at('09:00'))).toBe('bad_state')
  })
})

describe('checking out', () => {
  it('is possible for checked-in people from the start of the slot on', () => {
    const here = { ...visit, status: 'checked_in' } as const
    expect(checkOutRefusal(here, at('08:59'))).toBe('too_early')
    expect(checkOutRefusal(here, at('09:00'))).toBeNull()
    expect(checkOutRefusal(visit, at('08:50'))).toBe('bad_state')
    expect(checkOutRefusal({ ...visit, status: 'completed' }, at('09:30'))).toBe('bad_state')
  })
})

describe('The change of a reservation by time alone', () => {
  it('is a no-show exactly when the owner can no longer check in', () => {
    for (const time of [at('08:59'), at('09:15'), at('09:15', '01'), at('10:00'), at('11:00')]) {
      const refused = checkInRefusal(visit, rules, owner, time) !== null
      expect(settlement(visit, rules, time), time.toISOString()).toBe(refused ? 'no_show' : null)
    }
  })

  it('rejects an unapproved reservation from its start on', () => {
    expect(settlement({ ...visit, status: 'pending' }, rules, at('08:59'))).toBeNull()
    expect(settlement({ ...visit, status: 'pending' }, rules, at('09:00'))).toBe('approval_expired')
  })

  it('completes checked-in reservations at the end, and leaves ended ones as they are', () => {
    expect(settlement({ ...visit, status: 'checked_in' }, rules, at('09:59'))).toBeNull()
    expect(settlement({ ...visit, status: 'checked_in' }, rules, at('10:00'))).toBe('completed')
    for (const status of ['completed', 'cancelled', 'rejected', 'no_show', 'displaced'] as const) {
      expect(settlement({ ...visit, status }, rules, at('12:00'))).toBeNull()
    }
  })
})

describe('the minutes of a visit', () => {
  it('are those within the slot', () => {
    expect(actualMinutes({ ...visit, checkedInAt: at('08:50') }, at('09:30'))).toBe(30)
    expect(actualMinutes({ ...visit, checkedInAt: at('09:10') }, at('09:30', '59'))).toBe(20)
    expect(actualMinutes({ ...visit, checkedInAt: at('09:10') }, at('11:00'))).toBe(50)
    expect(actualMinutes({ ...visit, checkedInAt: at('08:50') }, at('08:55'))).toBe(0)
  })
})

describe('the code at the door', () => {
  it('has six digits, changes every 30 seconds and is known by the venue’s secret alone', () => {
    const codes = Array.from(
      { length: 50 },
      (_, step) => currentCode('door', new Date(at('09:00').getTime() + step * 30_000)).code,
    )
    for (const code of codes) expect(code).toMatch(/^\d{6}$/)
    expect(new Set(codes).size).toBeGreaterThan(45)
    expect(currentCode('door', at('09:00', '29'))).toEqual(currentCode('door', at('09:00')))
    expect(currentCode('door', at('09:00', '29')).validUntil).toEqual(at('09:00', '30'))
    expect(currentCode('other', at('09:00')).code).not.toBe(codes[0])
  })

  it('is accepted while it is shown and for one step more', () => {
    const { code } = currentCode('door', at('09:00'))
    expect(acceptsCode('door', code, at('09:00', '29'))).toBe(true)
    expect(acceptsCode('door', code, at('09:00', '59'))).toBe(true)
    expect(acceptsCode('door', code, at('09:01'))).toBe(false)
    expect(acceptsCode('door', code, at('08:59', '59'))).toBe(false)
    expect(acceptsCode('door', '', at('09:00'))).toBe(false)
    expect(acceptsCode('other', code, at('09:00'))).toBe(false)
  })
})
