import type { Kernel } from '../../../kernel/kernel.ts'
import { addDays, localDate } from '../../../kernel/time.ts'
import { SLOT_TYPES, type SlotType, TIME_SECTIONS, type TimeSection } from '../../core/types.ts'
import { CODES, missing, refusal } from '../../sentences.ts'
import * as store from './store.ts'

/** The dates that a request asks about. */
export interface PeriodAsked {
  readonly date?: string | undefined
  readonly date_range?: string | undefined
}

const RANGES: ReadonlyMap<string, number> = new Map([
  ['today', 1],
  ['7days', 7],
  ['30days', 30],
])

/**
 * The period of a request: `date_range` wins over `date`, and ends today; without either it is today.
 * @throws Invalid 99 for an empty or malformed date, and an unknown range.
 */
export function periodOf(
  kernel: Pick<Kernel, 'clock' | 'config'>,
  { date, date_range: range }: PeriodAsked,
): store.Period {
  const today = localDate(kernel.clock.now(), kernel.config.timeZone)
  if (range !== undefined) {
    const days = RANGES.get(range)
    if (days === undefined) throw refusal(CODES.request, 'bad_range', 'date_range 只能是 today、7days 或 30days')
    return { from: addDays(today, 1 - days), to: today }
  }
  if (date === undefined) return { from: today, to: today }
  if (!isDate(date)) throw refusal(CODES.request, 'bad_date', 'date 不能为空，格式应为 YYYY-MM-DD，且日期必须存在')
  return { from: date, to: date }
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

/** Figures of a period, as a whole and by kind of number; money in fen. */
export interface Summary extends store.Figures {
  readonly period: store.Period
  readonly bySlotType: Readonly<Record<SlotType, number>>
}

/**
 * Figures of the hospital, an area, a department or a doctor.
 * @throws Invalid 106 if there is no such area, department or doctor.
 */
export async function summary(
  kernel: Kernel,
  asked: PeriodAsked,
  subject: store.Subject,
): Promise<Summary & { readonly name: string; readonly title: string | null }> {
  const period = periodOf(kernel, asked)
  const isWhole = Object.keys(subject).length === 0
  const named = isWhole ? { name: '', title: null } : await store.nameOf(kernel.reads, subject)
  if (!named) throw missing(subject.areaId ? '院区' : subject.deptId ? '科室' : '医生')
  const groups = await store.bySlotType(kernel.reads, period, subject)
  const sum = (key: keyof store.Figures) => groups.reduce((total, group) => total + group[key], 0)
  const of = (type: SlotType) => groups.find(({ slotType }) => slotType === type)?.registrations ?? 0
  const [normal, expert, special] = SLOT_TYPES
  return {
    ...named,
    period,
    registrations: sum('registrations'),
    completed: sum('completed'),
    revenue: sum('revenue'),
    bySlotType: { [normal]: of(normal), [expert]: of(expert), [special]: of(special) },
  }
}

/** Registrations of a doctor by section of the day. */
export async function sectionsOf(
  kernel: Kernel,
  period: store.Period,
  doctorId: number,
): Promise<Readonly<Record<TimeSection, number>>> {
  const groups = await store.bySection(kernel.reads, period, { doctorId })
  const of = (section: TimeSection) => groups.find(({ timeSection }) => timeSection === section)?.registrations ?? 0
  const [morning, afternoon, evening] = TIME_SECTIONS
  return { [morning]: of(morning), [afternoon]: of(afternoon), [evening]: of(evening) }
}
