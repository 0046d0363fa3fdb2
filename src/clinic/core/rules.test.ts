import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instantAt } from '../../kernel/time.ts'
import { changed, DEFAULTS, RANGES } from './configuration/rules.ts'
import { discounted, fen, yuan } from './money/rules.ts'
import { resolvedPrice } from './prices/rules.ts'
import {
  cancelDeadline,
  closesAt,
  type Facts,
  mayCancel,
  noShowBlockEnds,
  priceOf,
  refusals,
  releasedAt,
  type Way,
} from './rules.ts'
import { estimatedAt, queueNumber, sessionOf, visitsIn } from './sections/rules.ts'

const ZONE = 'Asia/Shanghai'
const at = (date: string, time: string) => instantAt(date, time, ZONE)
const justBefore = (instant: Date) => new Date(instant.getTime() - 1)

const facts: Facts = {
  schedule: {
    id: 1,
    doctorId: 1,
    doctorName: '张三',
    doctorTitle: null,
    clinicId: 1,
    clinicName: '门诊',
    deptId: 1,
    deptName: '心内科',
    areaId: 1,
    areaName: '本部',
    date: '2026-03-10',
    timeSection: '下午',
    slotType: '普通',
    totalSlots: 5,
    remainingSlots: 1,
    status: '正常',
    price: 5000,
    revision: 0,
    waiting: 0,
  },
  patient: {
    id: 1,
    name: '李同学',
    userId: 1,
    revision: 0,
    type: '校外',
    isVerified: false,
    isOfUser: true,
    own: null,
    nearVisit: null,
    recentOrders: 0,
    noShows: 0,
    lastNoShow: null,
  },
  ban: null,
  configuration: DEFAULTS,
}
const schedule = (change: Partial<Facts['schedule']>): Facts => ({
  ...facts,
  schedule: { ...facts.schedule, ...change },
})
const person = (change: Partial<Facts['patient']>): Facts => ({ ...facts, patient: { ...facts.patient, ...change } })
const registration = (change: Partial<typeof DEFAULTS.registration>, of: Facts = facts): Facts => ({
  ...of,
  configuration: { ...DEFAULTS, registration: { ...DEFAULTS.registration, ...change } },
})

const NOW = at('2026-03-02', '08:00')
const why = (of: Facts, way: Way = 'normal', now = NOW) => refusals(of, way, now, ZONE)

describe('A registration', () => {
  it('is allowed if nothing is against it, in every way', () => {
    for (const way of ['normal', 'waitlist', 'desk', 'add_slot'] as const) expect(why(facts, way)).toEqual([])
  })

  it.each<[string, Facts, Record<Way, boolean>]>([
    ['not_own_patient', person({ isOfUser: false }), { normal: true, waitlist: true, desk: false, add_slot: false }],
    ['banned', { ...facts, ban: { until: null } }, { normal: true, waitlist: true, desk: false, add_slot: false }],
    ['stopped', schedule({ status: '停诊' }), { normal: true, waitlist: true, desk: true, add_slot: true }],
    ['not_released', schedule({ date: '2026-03-17' }), { normal: true, waitlist: true, desk: false, add_slot: false }],
    [
      'same_department',
      person({ nearVisit: '2026-03-09' }),
      { normal: true, waitlist: true, desk: true, add_slot: false },
    ],
    ['too_many', person({ recentOrders: 10 }), { normal: true, waitlist: true, desk: false, add_slot: false }],
    ['sold_out', schedule({ remainingSlots: 0 }), { normal: true, waitlist: true, desk: true, add_slot: false }],
    [
      'already_registered',
      person({ own: { orderId: 1, status: 'confirmed' } }),
      { normal: true, waitlist: false, desk: true, add_slot: true },
    ],
    [
      'already_waiting',
      person({ own: { orderId: 1, status: 'waitlist' } }),
      { normal: true, waitlist: false, desk: true, add_slot: true },
    ],
    [
      'no_show_block',
      person({ noShows: 3, lastNoShow: '2026-03-01' }),
      { normal: true, waitlist: true, desk: false, add_slot: false },
    ],
  ])('is refused with %s where that applies', (refusal, of, ways) => {
    for (const [way, applies] of Object.entries(ways) as [Way, boolean][])
      expect(why(of, way), way).toEqual(applies ? [refusal] : [])
  })

  it('leaves free numbers to the people who wait for them', () => {
    const promised = schedule({ remainingSlots: 3, waiting: 1 })
    expect(why(promised)).toEqual(['sold_out'])
    for (const way of ['waitlist', 'desk'] as const) expect(why(promised, way)).toEqual([])
  })

  it('is limited one below the number of orders that are too many', () => {
    expect(why(person({ recentOrders: 9 }))).toEqual([])
  })
})

describe('The times of a registration', () => {
  it('begin at the release time of the day that advanceBookingDays reaches', () => {
    const of = registration({ advanceBookingDays: 3, releaseTime: '07:30' })
    expect(releasedAt(of, ZONE)).toEqual(at('2026-03-07', '07:30'))
    expect(why(of, 'normal', justBefore(at('2026-03-07', '07:30')))).toEqual(['not_released'])
    expect(why(of, 'normal', at('2026-03-07', '07:30'))).toEqual([])
  })

  it.each([
    ['上午', 'normal', '08:00'],
    ['下午', 'normal', '14:00'],
    ['晚上', 'waitlist', '18:30'],
    ['上午', 'desk', '12:00'],
    ['下午', 'add_slot', '18:00'],
  ] as const)('end for %s (%s) at %s', (timeSection, way, time) => {
    const of = schedule({ timeSection })
    expect(closesAt(of, way, ZONE)).toEqual(at('2026-03-10', time))
    expect(why(of, way, justBefore(at('2026-03-10', time)))).toEqual([])
    expect(why(of, way, at('2026-03-10', time))).toEqual(['over'])
  })
})

describe('Missed visits', () => {
  it('block from the limit on, for 30 days after the latest', () => {
    const of = (noShows: number, lastNoShow: string) => person({ noShows, lastNoShow })
    expect(noShowBlockEnds(of(2, '2026-03-01'), NOW, ZONE)).toBeNull()
    expect(noShowBlockEnds(of(3, '2026-03-01'), NOW, ZONE)).toBe('2026-03-31')
    expect(noShowBlockEnds(of(3, '2026-02-01'), NOW, ZONE)).toBe('2026-03-03')
    expect(noShowBlockEnds(of(3, '2026-01-31'), NOW, ZONE)).toBeNull()
  })
})

describe('Cancelling', () => {
  it('is possible until cancelHoursBefore before the session', () => {
    const order = { date: '2026-03-10', timeSection: '下午' } as const
    const deadline = at('2026-03-09', '14:00')
    expect(cancelDeadline(order, DEFAULTS, ZONE)).toEqual(deadline)
    expect(mayCancel(order, DEFAULTS, justBefore(deadline), ZONE)).toBe(true)
    expect(mayCancel(order, DEFAULTS, deadline, ZONE)).toBe(false)
  })
})

describe('Prices', () => {
  it('are discounted for verified identities only, and rounded half up', () => {
    expect(priceOf(person({ type: '学生' }))).toBe(5000)
    expect(priceOf(person({ type: '学生', isVerified: true }))).toBe(4000)
    expect(priceOf(person({ type: '校外', isVerified: true }))).toBe(5000)
    expect([discounted(1255, 0.5), discounted(1250, 0.5), discounted(1, 0.5), discounted(999, 0)]).toEqual([
      628, 625, 1, 0,
    ])
  })

  it('are taken from the most specific level that has one, else built in', () => {
    const none = { 普通: null, 专家: null, 特需: null }
    const levels = { MINOR_DEPT: { ...none, 普通: 3 }, GLOBAL: { ...none, 普通: 4, 专家: 5 }, CLINIC: none }
    expect(resolvedPrice(levels, '普通')).toBe(3)
    expect(resolvedPrice({ ...levels, CLINIC: { ...none, 普通: 0 } }, '普通')).toBe(0)
    expect(resolvedPrice({ ...levels, DOCTOR: { ...none, 普通: 1 }, CLINIC: { ...none, 普通: 2 } }, '普通')).toBe(1)
    expect([resolvedPrice(levels, '专家'), resolvedPrice(levels, '特需')]).toEqual([5, 50_000])
  })

  it('are exact in fen', () => {
    expect([fen(50.5), fen(0.29), fen(1.005), fen(-0.5), fen(1_000_000)]).toEqual([5050, 29, 101, -50, 100_000_000])
    fc.assert(fc.property(fc.integer({ min: 0, max: 100_000_000 }), (amount) => fen(yuan(amount)) === amount))
  })
})

describe('Sections', () => {
  it('have the times of the configuration, and visits of equal length', () => {
    const rules = DEFAULTS.schedule
    const session = sessionOf(rules, { date: '2026-03-10', timeSection: '晚上' }, ZONE)
    expect(session).toEqual({ startAt: at('2026-03-10', '18:30'), endAt: at('2026-03-10', '21:00') })
    expect(estimatedAt(rules, session.startAt, 1)).toEqual(session.startAt)
    expect(estimatedAt(rules, session.startAt, 4)).toEqual(at('2026-03-10', '19:30'))
    expect([visitsIn(rules, '上午'), visitsIn(rules, '晚上')]).toEqual([12, 7])
    expect([queueNumber(1), queueNumber(1000)]).toEqual(['A001', 'A1000'])
  })
})

describe('The configuration', () => {
  it.each(Object.entries(RANGES))('takes %s from its lowest to its highest value only', (key, [lowest, highest]) => {
    const part = key in DEFAULTS.registration ? 'registration' : 'schedule'
    const set = (value: unknown) => changed(DEFAULTS, { [part]: { [key]: value } })
    for (const value of [lowest, highest]) expect(set(value)).toHaveProperty('configuration')
    for (const value of [lowest - 1, highest + 1, lowest + 0.5, String(lowest), null])
      expect(set(value)).toHaveProperty('fault')
  })

  it('keeps each section before the next', () => {
    const set = (schedule: Record<string, string>) => changed(DEFAULTS, { schedule })
    expect(set({ morningEnd: '14:00' })).toHaveProperty('configuration')
    expect(set({ morningEnd: '14:01' })).toHaveProperty('fault')
    expect(set({ eveningStart: '18:00' })).toHaveProperty('configuration')
    expect(set({ eveningStart: '17:59' })).toHaveProperty('fault')
    expect(set({ eveningEnd: '18:30' })).toHaveProperty('fault')
  })
})
