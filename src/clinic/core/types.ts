/** The sessions of a day, in their order (seed 字段说明). */
export const TIME_SECTIONS = ['上午', '下午', '晚上'] as const
export type TimeSection = (typeof TIME_SECTIONS)[number]

/** Kinds of numbers. */
export const SLOT_TYPES = ['普通', '专家', '特需'] as const
export type SlotType = (typeof SLOT_TYPES)[number]

/** States of a schedule: 正常 in use, 停诊 stopped. */
export const SCHEDULE_STATES = ['正常', '停诊'] as const
export type ScheduleStatus = (typeof SCHEDULE_STATES)[number]
export const NORMAL = '正常'
export const STOPPED = '停诊'

export const GENDERS = ['男', '女', '未知'] as const
export type Gender = (typeof GENDERS)[number]

/** Identities of a patient, which decide the discount. 校外: not of the university. */
export const PATIENT_TYPES = ['学生', '教师', '职工', '校外'] as const
export type PatientType = (typeof PATIENT_TYPES)[number]

/** Shifts of a leave. */
export const SHIFTS = ['morning', 'afternoon', 'night', 'full'] as const
export type Shift = (typeof SHIFTS)[number]

/** The sections that a shift covers. */
export const SECTIONS_OF_SHIFT: Readonly<Record<Shift, readonly TimeSection[]>> = {
  morning: ['上午'],
  afternoon: ['下午'],
  night: ['晚上'],
  full: TIME_SECTIONS,
}

const WEEK_DAYS = ['一', '二', '三', '四', '五', '六', '日'] as const

/** The Chinese numeral of an ISO weekday (1 is Monday), as `week_day` shows it. */
export function weekDayWord(weekday: number): string {
  return WEEK_DAYS[weekday - 1] ?? ''
}

/** Slot type of a clinic's type: 0 普通, 1 专家 (国疗), 2 特需. */
export function slotTypeOf(clinicType: number): SlotType {
  return SLOT_TYPES[clinicType] ?? '普通'
}
