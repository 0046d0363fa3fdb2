import { sql } from 'kysely'
import type { Database } from '../../../kernel/database/database.ts'
import { type Order, orders } from '../../core/ordersStore.ts'
import { NORMAL, type TimeSection } from '../../core/types.ts'

/** A session as displays and live queues show it. */
export interface Session {
  readonly scheduleId: number
  readonly doctorId: number
  readonly doctorUserId: number | null
  readonly doctorName: string
  readonly clinicId: number
  readonly clinicName: string
  readonly room: string | null
  readonly date: string
  readonly timeSection: TimeSection
  readonly totalSlots: number
}

/** Where a display looks: an area, or one clinic in it. */
export interface Scope {
  readonly areaId: number
  readonly clinicId: number | null
}

const sessions = (db: Database) =>
  db
    .selectFrom('schedule as s')
    .innerJoin('doctor as d', 'd.doctor_id', 's.doctor_id')
    .innerJoin('clinic as k', 'k.clinic_id', 's.clinic_id')
    .select(['s.schedule_id as scheduleId', 's.doctor_id as doctorId', 'd.user_id as doctorUserId'])
    .select(['d.name as doctorName', 's.clinic_id as clinicId', 'k.name as clinicName', 'k.address as room'])
    .select(['s.date', 's.time_section as timeSection', 's.total_slots as totalSlots'])
    .where('s.deleted_at', 'is', null)

/** One session; undefined if there is none. */
export async function findSession(db: Database, scheduleId: number): Promise<Session | undefined> {
  return await sessions(db).where('s.schedule_id', '=', scheduleId).executeTakeFirst()
}

/** The sessions of a date in a scope that are not stopped, by clinic and doctor. */
export async function sessionsIn(db: Database, { areaId, clinicId }: Scope, date: string): Promise<readonly Session[]> {
  const all = sessions(db)
    .where('k.area_id', '=', areaId)
    .where('k.deleted_at', 'is', null)
    .where('s.date', '=', date)
    .where('s.status', '=', NORMAL)
    .orderBy('k.name')
    .orderBy('d.name')
    .orderBy('s.schedule_id')
    .limit(200)
  return await (clinicId === null ? all : all.where('s.clinic_id', '=', clinicId)).execute()
}

/** The orders of schedules that matter on their day, in the order in which patients are called. */
export async function ordersOf(db: Database, scheduleIds: readonly number[]): Promise<readonly Order[]> {
  return await orders(db)
    .where(sql<boolean>`o.schedule_id = ANY (${scheduleIds}::bigint[])`)
    .where('o.status', 'in', ['confirmed', 'completed', 'waitlist'])
    .orderBy('o.pass_count')
    .orderBy('o.priority')
    .orderBy('o.queue_no')
    .orderBy('o.order_id')
    .execute()
}
