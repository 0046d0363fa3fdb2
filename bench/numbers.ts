import type pg from 'pg'
import { DAY_MS, tomorrow } from './fixture.ts'
import type { Ask } from './load.ts'

/** The data for registrations at the clinic. */
export interface NumberFixture {
  /** Number of patients; patient n belongs to user n. */
  readonly people: number
  /** Ids of the schedules of each department. */
  readonly schedules: readonly (readonly number[])[]
}

const DEPARTMENTS = 50
const DOCTORS = 5
const DAYS = 14
const SECTIONS = ['上午', '下午', '晚上']
/** Numbers of each schedule: enough that a random one is hardly ever sold out. */
const NUMBERS = 1000

/**
 * Adds departments with doctors and schedules for two weeks, and a patient for each person. Limits are wide, so that a
 * patient can register once in each department.
 */
export async function fillNumbers(pool: pg.Pool, people: number): Promise<NumberFixture> {
  const now = new Date()
  await pool.query(`INSERT INTO hospital_area (name, create_time) VALUES ('本部', $1)`, [now])
  await pool.query(`INSERT INTO major_department (name, create_time) VALUES ('内科', $1)`, [now])
  await pool.query(
    `INSERT INTO minor_department (major_dept_id, name, create_time)
     SELECT 1, '科室 ' || n, $2::timestamptz FROM generate_series(1, $1::int) n`,
    [DEPARTMENTS, now],
  )
  await pool.query(
    `INSERT INTO clinic (area_id, minor_dept_id, name, create_time)
     SELECT 1, minor_dept_id, '门诊', create_time FROM minor_department`,
  )
  await pool.query(
    `INSERT INTO doctor (dept_id, name, create_time)
     SELECT m.minor_dept_id, '医生 ' || m.minor_dept_id || '.' || n, m.create_time
     FROM minor_department m, generate_series(1, $1::int) n`,
    [DOCTORS],
  )
  await pool.query(
    `INSERT INTO patient (user_id, name, create_time)
     SELECT id, display_name, created_at FROM users ORDER BY id LIMIT $1`,
    [people],
  )
  await pool.query(
    `INSERT INTO system_config (config_key, scope_type, config_value, create_time, update_time)
     VALUES ('registration', 'GLOBAL', '{"maxAppointmentsPerPeriod": 50, "advanceBookingDays": 90}', $1, $1)`,
    [now],
  )
  const { rows } = await pool.query<{ dept: string; ids: string[] }>(
    `WITH made AS (
       INSERT INTO schedule (doctor_id, clinic_id, minor_dept_id, date, time_section, slot_type, total_slots,
         remaining_slots, price, create_time, update_time)
       SELECT d.doctor_id, k.clinic_id, k.minor_dept_id, $1::date + n, s, '普通', $3, $3, 5000, $4, $4
       FROM doctor d
       JOIN clinic k ON k.minor_dept_id = d.dept_id
       CROSS JOIN generate_series(1, $2::int) n
       CROSS JOIN unnest($5::text[]) s
       RETURNING schedule_id, minor_dept_id
     )
     SELECT minor_dept_id AS dept, array_agg(schedule_id) AS ids FROM made GROUP BY 1 ORDER BY 1`,
    [new Date(tomorrow(now).getTime() + DAY_MS), DAYS, NUMBERS, now, SECTIONS],
  )
  await pool.query(
    'ANALYZE hospital_area, major_department, minor_department, clinic, doctor, patient, schedule, system_config',
  )
  return { people, schedules: rows.map(({ ids }) => ids.map(Number)) }
}

/**
 * Registrations at random schedules: each patient once in each department. Each call continues after the last one.
 */
export function registrations({ people, schedules }: NumberFixture): (count: number) => Ask[] {
  let made = 0
  const next = (): Ask => {
    const person = made % people
    const dept = schedules[(person + Math.floor(made / people)) % schedules.length] ?? []
    made += 1
    const scheduleId = dept[Math.floor(Math.random() * dept.length)]
    return register(person, scheduleId ?? 0)
  }
  return (count) => {
    if (made + count > people * schedules.length) throw new Error('every patient is registered everywhere')
    return Array.from({ length: count }, next)
  }
}

/** The request of a person to register for a schedule; person n has the patient n + 1. */
export function register(person: number, scheduleId: number): Ask {
  return {
    token: person,
    line: 'POST /patient/appointments',
    body: `{"scheduleId":${scheduleId},"patientId":${person + 1},"symptoms":""}`,
  }
}
