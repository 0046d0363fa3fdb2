import { Type } from 'typebox'
import { Id, LocalDate, Nullable } from '../../../kernel/http/schemas.ts'
import { HIGHEST_PRICE, yuan } from '../../core/money/rules.ts'
import type { Schedule } from '../../core/schedulesStore.ts'
import { SCHEDULE_STATES, weekDayWord } from '../../core/types.ts'
import { Moment, moment, SlotType, TimeSection, Yuan } from '../../fields.ts'

const Status = Type.Enum([...SCHEDULE_STATES])

const content = {
  doctor_id: Id,
  clinic_id: Id,
  schedule_date: LocalDate,
  time_section: TimeSection,
  slot_type: SlotType,
  price: Type.Number({
    minimum: -HIGHEST_PRICE,
    maximum: HIGHEST_PRICE,
    description: 'In yuan. 0 or less: the price of doctor, clinic, department or hospital.',
  }),
  total_slots: Type.Integer({ minimum: 0, maximum: 1000 }),
}

export const ScheduleBody = Type.Object({
  ...content,
  status: Type.Optional(Type.Enum([...SCHEDULE_STATES], { default: '正常' })),
  price: Type.Optional(Type.Number({ minimum: -HIGHEST_PRICE, maximum: HIGHEST_PRICE, default: 0 })),
})

export const ScheduleChange = Type.Partial(Type.Object({ ...content, status: Status }))

/** A schedule in the lists of the administration (seed 6.1). */
export const ScheduleRow = Type.Object({
  schedule_id: Id,
  doctor_id: Id,
  doctor_name: Type.String(),
  clinic_id: Id,
  clinic_name: Type.String(),
  clinic_type: Type.Integer(),
  date: Type.String(),
  week_day: Type.String(),
  time_section: TimeSection,
  slot_type: SlotType,
  total_slots: Type.Integer(),
  remaining_slots: Type.Integer(),
  status: Status,
  price: Yuan,
  create_time: Moment,
})

/** A schedule on the patient side. */
export const PatientsScheduleRow = Type.Object({
  ...ScheduleRow.properties,
  doctor_title: Nullable(Type.String()),
  area_id: Id,
  department_id: Id,
  department_name: Type.String(),
})

/** A schedule of today, in its own shape. */
export const TodayRow = Type.Object({
  schedule_id: Id,
  doctor_id: Id,
  doctor_name: Type.String(),
  department_id: Id,
  department_name: Type.String(),
  clinic_type: Type.Integer(),
  date: Type.String(),
  time_slot: TimeSection,
  total_slots: Type.Integer(),
  remaining_slots: Type.Integer(),
  available_slot_types: Type.Array(SlotType),
})

export function presentSchedule(schedule: Schedule, zone: string) {
  return {
    schedule_id: schedule.id,
    doctor_id: schedule.doctorId,
    doctor_name: schedule.doctorName,
    clinic_id: schedule.clinicId,
    clinic_name: schedule.clinicName,
    clinic_type: schedule.clinicType,
    date: schedule.date,
    week_day: weekDayWord(schedule.weekDay),
    time_section: schedule.timeSection,
    slot_type: schedule.slotType,
    total_slots: schedule.totalSlots,
    remaining_slots: schedule.remainingSlots,
    status: schedule.status,
    price: yuan(schedule.price),
    create_time: moment(schedule.createTime, zone),
  }
}

export function presentForPatients(schedule: Schedule, zone: string) {
  return {
    ...presentSchedule(schedule, zone),
    doctor_title: schedule.doctorTitle,
    area_id: schedule.areaId,
    department_id: schedule.deptId,
    department_name: schedule.deptName,
  }
}

export function presentToday(schedule: Schedule) {
  return {
    schedule_id: schedule.id,
    doctor_id: schedule.doctorId,
    doctor_name: schedule.doctorName,
    department_id: schedule.deptId,
    department_name: schedule.deptName,
    clinic_type: schedule.clinicType,
    date: schedule.date,
    time_slot: schedule.timeSection,
    total_slots: schedule.totalSlots,
    remaining_slots: schedule.remainingSlots,
    available_slot_types: schedule.remainingSlots > 0 ? [schedule.slotType] : [],
  }
}
