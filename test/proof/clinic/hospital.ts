import { sql } from 'kysely'
import { ADMIN_ROLE, DESK_ROLE } from '../../../src/clinic/permissions.ts'
import {
  configure,
  type Department,
  department,
  doctor,
  type PatientPerson,
  patient,
  type Site,
  schedule,
} from '../../support/clinic.ts'
import type { Person } from '../../support/world.ts'
import type { Limits } from './faults.ts'

/** Days between two visits to a department, and orders of a patient that people may register. */
export const LIMITS: Limits = { interval: 7, most: 12 }

/** Numbers of each session, so few that people wait. */
const SLOTS = 4

/** A doctor with a session today and two later ones, of which the first two are within the interval of visits. */
export interface Practice {
  readonly of: Department
  readonly doctor: Person
  readonly today: number
  readonly sessions: readonly number[]
}

/** Somebody who registers for their own record, and some also for that of a relative. */
export interface Family extends PatientPerson {
  readonly patientIds: readonly number[]
}

/** A hospital with few numbers and many people. */
export interface Hospital {
  readonly practices: readonly Practice[]
  readonly families: readonly Family[]
  readonly desk: Person
  /** Only stops schedules. */
  readonly chief: Person
  /** Adds numbers. */
  readonly admin: Person
}

/**
 * Adds a hospital. Sessions of today are in the last minutes of the day, so that people can register for them at any
 * hour. `paymentTimeoutMinutes`: unpaid orders expire after it.
 */
export async function addHospital(
  site: Site,
  { people, doctors, paymentTimeoutMinutes }: Readonly<Record<'people' | 'doctors' | 'paymentTimeoutMinutes', number>>,
): Promise<Hospital> {
  await configure(site, {
    registration: {
      sameClinicInterval: LIMITS.interval,
      maxAppointmentsPerPeriod: LIMITS.most,
      noShowLimit: 5,
      cancelHoursBefore: 0,
      advanceBookingDays: 30,
      paymentTimeoutMinutes,
    },
    schedule: { eveningStart: '23:55', eveningEnd: '23:59' },
  })
  const practices: Practice[] = []
  for (let n = 0; n < doctors; n += 1) {
    const of = await department(site)
    const { doctorId, person } = await doctor(site, of.deptId)
    // The last practice costs nothing: orders are confirmed at once.
    const price = n === doctors - 1 ? 0 : 5000
    const session = (day: number) => schedule(site, { of, doctorId, day, section: '晚上', slots: SLOTS, price })
    const sessions = [await session(0), await session(3), await session(9)]
    practices.push({ of, doctor: person, today: sessions[0] ?? 0, sessions })
  }
  const families: Family[] = []
  for (let n = 0; n < people; n += 1) {
    const person = await patient(site)
    const own = [person.patientId]
    const [before] = families.slice(-1)
    if (n % 3 === 2 && before) {
      const now = site.clock.now()
      await sql`INSERT INTO patient_relation (user_id, related_patient_id, create_time, update_time)
        VALUES (${person.id}, ${before.patientId}, ${now}, ${now})`.execute(site.database.db)
      own.push(before.patientId)
    }
    families.push({ ...person, patientIds: own })
  }
  const [desk, chief, admin] = [
    await site.person(DESK_ROLE),
    await site.person(ADMIN_ROLE),
    await site.person(ADMIN_ROLE),
  ]
  return { practices, families, desk, chief, admin }
}
