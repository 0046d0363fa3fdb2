import { minuteOf } from '../sections/rules.ts'
import { PATIENT_TYPES, type PatientType } from '../types.ts'
import type { Configuration, ScheduleRules } from './types.ts'

/** The configuration of a new installation (seed 4.1, page «Settled»). */
export const DEFAULTS: Configuration = {
  registration: {
    advanceBookingDays: 14,
    sameDayDeadline: '08:00',
    noShowLimit: 3,
    cancelHoursBefore: 24,
    sameClinicInterval: 7,
    paymentTimeoutMinutes: 15,
    maxAppointmentsPerPeriod: 10,
    appointmentPeriodDays: 8,
    releaseTime: '00:00',
  },
  schedule: {
    maxFutureDays: 60,
    morningStart: '08:00',
    morningEnd: '12:00',
    afternoonStart: '14:00',
    afternoonEnd: '18:00',
    eveningStart: '18:30',
    eveningEnd: '21:00',
    consultationDuration: 15,
    intervalTime: 5,
  },
  patientIdentityDiscounts: { 学生: 0.8, 教师: 0.8, 职工: 0.8, 校外: 1 },
}

/** The range of each number: key, lowest, highest, and the words for it. */
export const RANGES = {
  advanceBookingDays: [1, 90, '提前挂号天数'],
  noShowLimit: [1, 10, '爽约次数限制'],
  cancelHoursBefore: [1, 72, '退号提前时间'],
  sameClinicInterval: [1, 30, '同科室挂号间隔'],
  paymentTimeoutMinutes: [5, 120, '支付时限'],
  maxAppointmentsPerPeriod: [1, 50, '周期内最多挂号次数'],
  appointmentPeriodDays: [1, 30, '挂号周期天数'],
  maxFutureDays: [7, 180, '最多排未来天数'],
  consultationDuration: [5, 60, '单次就诊时长'],
  intervalTime: [0, 30, '就诊间隔时间'],
} as const satisfies Readonly<Record<string, readonly [number, number, string]>>

/** The words for each time of day. */
export const TIMES = {
  sameDayDeadline: '当日挂号截止时间',
  releaseTime: '放号时间',
  morningStart: '上午班开始时间',
  morningEnd: '上午班结束时间',
  afternoonStart: '下午班开始时间',
  afternoonEnd: '下午班结束时间',
  eveningStart: '晚班开始时间',
  eveningEnd: '晚班结束时间',
} as const

/** A change of the configuration, in which every key may be absent. */
export interface ConfigurationChange {
  readonly registration?: Readonly<Record<string, unknown>>
  readonly schedule?: Readonly<Record<string, unknown>>
  readonly patientIdentityDiscounts?: Readonly<Record<string, unknown>>
}

/** English names of the identities, which some clients send. */
const ENGLISH_TYPES: ReadonlyMap<string, PatientType> = new Map([
  ['student', '学生'],
  ['teacher', '教师'],
  ['staff', '职工'],
  ['external', '校外'],
])

/** The identity with this Chinese or English name; undefined if there is none. */
export function patientTypeOf(key: string): PatientType | undefined {
  return PATIENT_TYPES.find((type) => type === key) ?? ENGLISH_TYPES.get(key)
}

const TIME_FORM = /^([01]\d|2[0-3]):[0-5]\d$/

/** The first fault of a value, as a Chinese sentence; undefined if it may be set. */
function faultOf(key: string, value: unknown): string | undefined {
  const range = Object.entries(RANGES).find(([name]) => name === key)?.[1]
  if (range) {
    const [lowest, highest, words] = range
    const good = typeof value === 'number' && Number.isInteger(value) && value >= lowest && value <= highest
    return good ? undefined : `${words}(${key})必须是 ${lowest}-${highest} 之间的整数`
  }
  const words = Object.entries(TIMES).find(([name]) => name === key)?.[1]
  if (words === undefined) return `未知的配置项：${key}`
  return typeof value === 'string' && TIME_FORM.test(value) ? undefined : `${words}(${key})格式应为 HH:mm`
}

/**
 * Applies a change to a configuration. Returns the new configuration, or the first fault as a Chinese sentence: an
 * unknown key, a value out of its range, or sections whose start is not before their end (seed 4.2).
 */
export function changed(
  before: Configuration,
  change: ConfigurationChange,
): { readonly configuration: Configuration } | { readonly fault: string } {
  for (const part of ['registration', 'schedule'] as const) {
    for (const [key, value] of Object.entries(change[part] ?? {})) {
      if (!(key in before[part])) return { fault: `未知的配置项：${part}.${key}` }
      const fault = faultOf(key, value)
      if (fault !== undefined) return { fault }
    }
  }
  const discounts = new Map<string, number>(Object.entries(before.patientIdentityDiscounts))
  for (const [key, value] of Object.entries(change.patientIdentityDiscounts ?? {})) {
    const type = patientTypeOf(key)
    if (type === undefined) return { fault: `未知的患者身份：${key}` }
    if (typeof value !== 'number' || value < 0 || value > 1) return { fault: `${type}的折扣必须在 0 到 1 之间` }
    discounts.set(type, Math.round(value * 10_000) / 10_000)
  }
  const configuration: Configuration = {
    registration: { ...before.registration, ...change.registration },
    schedule: { ...before.schedule, ...change.schedule },
    patientIdentityDiscounts: { ...before.patientIdentityDiscounts, ...Object.fromEntries(discounts) },
  }
  const fault = orderFault(configuration.schedule)
  return fault === undefined ? { configuration } : { fault }
}

/** Sections must start before they end, and follow each other without overlapping. */
function orderFault(rules: ScheduleRules): string | undefined {
  const sections = [
    ['上午班', rules.morningStart, rules.morningEnd],
    ['下午班', rules.afternoonStart, rules.afternoonEnd],
    ['晚班', rules.eveningStart, rules.eveningEnd],
  ] as const
  for (const [name, start, end] of sections) {
    if (minuteOf(start) >= minuteOf(end)) return `${name}开始时间必须小于结束时间`
  }
  if (minuteOf(rules.morningEnd) > minuteOf(rules.afternoonStart)) return '上午班结束时间不能晚于下午班开始时间'
  if (minuteOf(rules.afternoonEnd) > minuteOf(rules.eveningStart)) return '下午班结束时间不能晚于晚班开始时间'
  return undefined
}
