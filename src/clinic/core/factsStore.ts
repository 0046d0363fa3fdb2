import { sql } from 'kysely'
import type { Database } from '../../kernel/database/database.ts'
import { gathered, inOrderOf } from '../../kernel/database/gather.ts'
import { among } from '../../kernel/database/literals.ts'
import { configurationOf, storedConfiguration } from './configuration/store.ts'
import type { Configuration } from './configuration/types.ts'
import { type Facts, NO_SHOW_DAYS } from './rules.ts'
import type { OrderStatus } from './states.ts'
import type { PatientType, ScheduleStatus, SlotType, TimeSection } from './types.ts'

/** Patient, user and schedule that the facts are about. */
export interface FactsQuestion {
  readonly patientId: number
  readonly userId: number
  readonly scheduleId: number
  /** An order that is about to be moved or confirmed; it is not counted. */
  readonly except?: number
  readonly now: Date
  readonly zone: string
}

interface FactsRow {
  nth: number
  id: number
  doctorId: number
  doctorName: string
  doctorTitle: string | null
  clinicId: number
  clinicName: string
  deptId: number
  deptName: string
  areaId: number
  areaName: string
  date: string
  timeSection: TimeSection
  slotType: SlotType
  totalSlots: number
  remainingSlots: number
  status: ScheduleStatus
  price: number
  revision: number
  waiting: number
  patientId: number | null
  patientName: string
  patientUserId: number | null
  patientRevision: number
  patientType: PatientType
  isVerified: boolean
  isOfUser: boolean
  ownOrderId: number | null
  ownStatus: OrderStatus | null
  nearVisit: string | null
  recentOrders: number
  noShows: number
  lastNoShow: string | null
  banned: boolean
  bannedUntil: Date | null
  configuration: Partial<Configuration> | null
}

/** Reads all facts for the decision about a registration, in one statement that concurrent questions share. */
export async function readFacts(db: Database, question: FactsQuestion): Promise<Facts | 'no_schedule' | 'no_patient'> {
  const row = await readTogether(db, question)
  if (!row) return 'no_schedule'
  if (row.patientId === null) return 'no_patient'
  return {
    schedule: row,
    patient: {
      id: row.patientId,
      name: row.patientName,
      userId: row.patientUserId,
      revision: row.patientRevision,
      type: row.patientType,
      isVerified: row.isVerified,
      isOfUser: row.isOfUser,
      own:
        row.ownOrderId === null || row.ownStatus === null ? null : { orderId: row.ownOrderId, status: row.ownStatus },
      nearVisit: row.nearVisit,
      recentOrders: row.recentOrders,
      noShows: row.noShows,
      lastNoShow: row.lastNoShow,
    },
    ban: row.banned ? { until: row.bannedUntil } : null,
    configuration: configurationOf(row.configuration),
  }
}

/** A number of the registration rules of the stored configuration `c`, or its default. */
const rule = (key: 'sameClinicInterval' | 'appointmentPeriodDays', otherwise: number) =>
  sql`coalesce((c.stored->'registration'->>${sql.lit(key)})::int, ${sql.lit(otherwise)})`

/** Counts the patient's other orders. Needs `asked`, the schedule `s` and the configuration `c` in scope. */
const ownOrders = sql`
      SELECT
        max(o.order_id) FILTER (
          WHERE o.schedule_id = s.schedule_id AND o.status IN ${among(['pending', 'confirmed', 'waitlist'])}
        ) AS "orderId",
        min(o.slot_date) FILTER (
          WHERE o.minor_dept_id = s.minor_dept_id
            AND o.status IN ${among(['pending', 'confirmed', 'completed'])}
            AND abs(o.slot_date - s.date) < ${rule('sameClinicInterval', 7)}
        ) AS near,
        (count(*) FILTER (
          WHERE o.status IN ${among(['pending', 'confirmed', 'completed', 'no_show'])}
            AND o.create_time > asked.now - make_interval(days => ${rule('appointmentPeriodDays', 8)})
        ))::int AS recent,
        (count(*) FILTER (
          WHERE o.status = 'no_show'
            AND o.slot_date > (asked.now AT TIME ZONE asked.zone)::date - ${sql.lit(NO_SHOW_DAYS.counted)}
        ))::int AS missed,
        max(o.slot_date) FILTER (WHERE o.status = 'no_show') AS "lastMissed"
      FROM registration_order o
      WHERE o.patient_id = asked."patientId"
        AND o.order_id IS DISTINCT FROM asked."except"
        AND o.slot_date >= least((asked.now AT TIME ZONE asked.zone)::date, s.date) - 120`

const readTogether = gathered(
  async (db, questions: readonly FactsQuestion[]): Promise<readonly (FactsRow | undefined)[]> => {
    const { rows } = await sql<FactsRow>`
    SELECT asked.nth, f.*
    FROM jsonb_to_recordset(${JSON.stringify(questions.map((one, nth) => ({ nth, ...one })))}::text::jsonb) AS asked
      (nth int, "patientId" bigint, "userId" bigint, "scheduleId" bigint, "except" bigint, now timestamptz, zone text)
    CROSS JOIN (SELECT ${storedConfiguration} AS stored) c
    CROSS JOIN LATERAL (
      SELECT
        s.schedule_id AS id, s.doctor_id AS "doctorId", d.name AS "doctorName", d.title AS "doctorTitle",
        s.clinic_id AS "clinicId", k.name AS "clinicName", s.minor_dept_id AS "deptId", m.name AS "deptName",
        k.area_id AS "areaId", a.name AS "areaName",
        s.date, s.time_section AS "timeSection", s.slot_type AS "slotType",
        s.total_slots AS "totalSlots", s.remaining_slots AS "remainingSlots", s.status, s.price, s.revision,
        (SELECT count(*)::int FROM registration_order w
         WHERE w.schedule_id = s.schedule_id AND w.status = 'waitlist') AS waiting,
        p.patient_id AS "patientId", p.name AS "patientName", p.user_id AS "patientUserId",
        p.revision AS "patientRevision", p.patient_type AS "patientType", p.is_verified AS "isVerified",
        (p.user_id = asked."userId" OR EXISTS (
          SELECT FROM patient_relation r
          WHERE r.user_id = asked."userId" AND r.related_patient_id = p.patient_id
        )) IS TRUE AS "isOfUser",
        own."orderId" AS "ownOrderId",
        (SELECT o.status FROM registration_order o WHERE o.order_id = own."orderId") AS "ownStatus",
        own.near AS "nearVisit", own.recent AS "recentOrders", own.missed AS "noShows",
        own."lastMissed" AS "lastNoShow",
        b.ban_id IS NOT NULL AS banned, b.ban_until AS "bannedUntil", c.stored AS configuration
      FROM schedule s
      JOIN doctor d ON d.doctor_id = s.doctor_id
      JOIN clinic k ON k.clinic_id = s.clinic_id
      JOIN minor_department m ON m.minor_dept_id = s.minor_dept_id
      JOIN hospital_area a ON a.area_id = k.area_id
      LEFT JOIN patient p ON p.patient_id = asked."patientId" AND p.deleted_at IS NULL
      LEFT JOIN user_ban b ON b.user_id = asked."userId" AND b.is_active AND b.ban_type IN ('register', 'all')
        AND (b.ban_until IS NULL OR b.ban_until > asked.now)
      CROSS JOIN LATERAL (${ownOrders}) own
      WHERE s.schedule_id = asked."scheduleId" AND s.deleted_at IS NULL
      LIMIT 1
    ) f`.execute(db)
    return inOrderOf(questions, rows)
  },
)
