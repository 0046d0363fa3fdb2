import { addDays, daysBetween, weekday } from '../../../kernel/time.ts'
import type { ScheduleRules } from '../../core/configuration/types.ts'
import { visitsIn } from '../../core/sections/rules.ts'
import {
  type Shift,
  type SlotType,
  slotTypeOf,
  TIME_SECTIONS,
  type TimeSection,
  weekDayWord,
} from '../../core/types.ts'

/** A cell of a submitted week as it is stored. */
export interface Cell {
  readonly doctor_id: number
  readonly slot_type?: SlotType
  readonly total_slots?: number
  /** In yuan; absent, 0 or less: resolved. */
  readonly price?: number
}

/** 7 days of 3 sections. */
export type Grid = readonly (readonly (Cell | null)[])[]

/** A filled cell with its place in the week, its kind and its number of visits. */
export interface Session {
  readonly date: string
  readonly timeSection: TimeSection
  readonly doctorId: number
  readonly slotType: SlotType
  readonly totalSlots: number
  readonly price: number
}

/**
 * The sessions of a week. Without a kind they have that of the clinic, without a number as many visits as fit into the
 * section (page «Settled»).
 */
export function sessionsOf(grid: Grid, weekStart: string, clinicType: number, rules: ScheduleRules): Session[] {
  return grid.slice(0, 7).flatMap((day, n) =>
    TIME_SECTIONS.flatMap((timeSection, section) => {
      const cell = day[section]
      if (!cell) return []
      const slotType = cell.slot_type ?? slotTypeOf(clinicType)
      const totalSlots = cell.total_slots ?? visitsIn(rules, timeSection)
      const date = addDays(weekStart, n)
      return [{ date, timeSection, doctorId: cell.doctor_id, slotType, totalSlots, price: cell.price ?? 0 }]
    }),
  )
}

/** The grid of a week from its filled cells. */
export function gridOf(
  weekStart: string,
  cells: readonly { readonly date: string; readonly timeSection: TimeSection; readonly cell: Cell }[],
): Grid {
  return Array.from({ length: 7 }, (_, n) =>
    TIME_SECTIONS.map(
      (section) =>
        cells.find(({ date, timeSection }) => daysBetween(weekStart, date) === n && timeSection === section)?.cell ??
        null,
    ),
  )
}

const SECTIONS = { morning: '上午', afternoon: '下午', night: '晚上' } as const

/** The section of a shift. */
export function sectionOf(shift: Exclude<Shift, 'full'>): TimeSection {
  return SECTIONS[shift]
}

/** The shift of a section. */
export function shiftOf(section: TimeSection): Exclude<Shift, 'full'> {
  return ({ 上午: 'morning', 下午: 'afternoon', 晚上: 'night' } as const)[section]
}

/** Date, section and doctor of a cell for people: 周三 2026-03-04 上午 张三. */
export function cellWords(at: { readonly date: string; readonly timeSection: TimeSection }, name: string): string {
  return `周${weekDayWord(weekday(at.date))} ${at.date} ${at.timeSection} ${name}`
}

/** A week of a clinic in words for messages. */
export function weekWords(clinicName: string, weekStart: string): string {
  return `${clinicName} ${weekStart} 至 ${addDays(weekStart, 6)}`
}
