import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { inserted } from '../../kernel/database/inserted.ts'
import type { ScheduleStatus, SlotType, TimeSection } from './types.ts'

/** A schedule with the names of its doctor and places. */
export interface Schedule {
  readonly id: number
  readonly doctorId: number
  readonly doctorName: string
  readonly doctorTitle: string | null
  readonly clinicId: number
  readonly clinicName: string
  readonly clinicType: number
  readonly areaId: number
  readonly deptId: number
  readonly deptName: string
  readonly date: string
  /** ISO weekday, 1 is Monday. */
  readonly weekDay: number
  readonly timeSection: TimeSection
  readonly slotType: SlotType
  readonly totalSlots: number
  readonly remainingSlots: number
  readonly status: ScheduleStatus
  /** In fen. */
  readonly price: number
  readonly createTime: Date
}

/** SQL: sections in the order of the day. */
const sectionOrder = sql`array_position(ARRAY['上午', '下午', '晚上'], s.time_section)`

const schedules = (db: Database) =>
  db
    .selectFrom('schedule as s')
    .innerJoin('doctor as d', 'd.doctor_id', 's.doctor_id')
    .innerJoin('clinic as k', 'k.clinic_id', 's.clinic_id')
    .innerJoin('minor_department as m', 'm.minor_dept_id', 's.minor_dept_id')
    .select(['s.schedule_id as id', 's.doctor_id as doctorId', 'd.name as doctorName', 'd.title as doctorTitle'])
    .select(['s.clinic_id as clinicId', 'k.name as clinicName', 'k.clinic_type as clinicType', 'k.area_id as areaId'])
    .select(['s.minor_dept_id as deptId', 'm.name as deptName', 's.date', 's.week_day as weekDay'])
    .select(['s.time_section as timeSection', 's.slot_type as slotType', 's.total_slots as totalSlots'])
    .select(['s.remaining_slots as remainingSlots', 's.status', 's.price', 's.create_time as createTime'])
    .where('s.deleted_at', 'is', null)

/** What a list of schedules is of. */
export interface Of {
  readonly deptId?: number | undefined
  readonly doctorId?: number | undefined
  readonly clinicId?: number | undefined
  readonly areaId?: number | undefined
}

/** Schedules from one date to another, both included, by date and section. */
export async function listSchedules(
  db: Database,
  { deptId, doctorId, clinicId, areaId }: Of,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<readonly Schedule[]> {
  let matching = schedules(db).where('s.date', '>=', from).where('s.date', '<=', to)
  if (deptId !== undefined) matching = matching.where('s.minor_dept_id', '=', deptId)
  if (doctorId !== undefined) matching = matching.where('s.doctor_id', '=', doctorId)
  if (clinicId !== undefined) matching = matching.where('s.clinic_id', '=', clinicId)
  if (areaId !== undefined) matching = matching.where('k.area_id', '=', areaId)
  return await matching.orderBy('s.date').orderBy(sectionOrder).orderBy('s.schedule_id').execute()
}

/** A schedule by id. */
export async function findSchedule(db: Database, id: number): Promise<Schedule | undefined> {
  return await schedules(db).where('s.schedule_id', '=', id).executeTakeFirst()
}

const EXISTING = {
  doctor: sql`SELECT 1 FROM doctor WHERE doctor_id =`,
  clinic: sql`SELECT 1 FROM clinic WHERE clinic_id =`,
  department: sql`SELECT 1 FROM minor_department WHERE minor_dept_id =`,
} as const satisfies Readonly<Record<string, RawBuilder<unknown>>>

/** Whether there is such a doctor, clinic or minor department. */
export async function isThere(db: Database, kind: keyof typeof EXISTING, id: number): Promise<boolean> {
  const { rows } = await sql`${EXISTING[kind]} ${id} AND deleted_at IS NULL`.execute(db)
  return rows.length > 0
}

export interface NewSchedule {
  readonly doctorId: number
  readonly clinicId: number
  readonly deptId: number
  readonly date: string
  readonly timeSection: TimeSection
  readonly slotType: SlotType
  readonly totalSlots: number
  readonly status: ScheduleStatus
  readonly price: number
}

export async function insertSchedule(tx: Transaction, schedule: NewSchedule, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO schedule (
      doctor_id, clinic_id, minor_dept_id, date, time_section, slot_type, total_slots, remaining_slots, status, price,
      create_time, update_time
    )
    VALUES (
      ${schedule.doctorId}, ${schedule.clinicId}, ${schedule.deptId}, ${schedule.date}, ${schedule.timeSection},
      ${schedule.slotType}, ${schedule.totalSlots}, ${schedule.totalSlots}, ${schedule.status}, ${schedule.price},
      ${now}, ${now}
    )
    RETURNING schedule_id AS id`.execute(tx)
  return inserted(rows).id
}

/** Columns of a schedule that a change can set. The numbers are moved elsewhere. */
export interface ScheduleColumns {
  readonly doctor_id?: number
  readonly clinic_id?: number
  readonly minor_dept_id?: number
  readonly date?: string
  readonly time_section?: TimeSection
  readonly slot_type?: SlotType
  readonly status?: ScheduleStatus
  readonly stop_reason?: null
  readonly price?: number
  readonly deleted_at?: Date
}

/** Writes columns of a locked schedule. Decisions based on its old state can no longer be written. */
export async function updateSchedule(tx: Transaction, id: number, change: ScheduleColumns, now: Date): Promise<void> {
  await tx
    .updateTable('schedule')
    .set({ ...change, update_time: now })
    .set((eb) => ({ revision: eb('revision', '+', 1) }))
    .where('schedule_id', '=', id)
    .execute()
}
