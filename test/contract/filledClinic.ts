import { sql } from 'kysely'
import { ADMIN_ROLE, DESK_ROLE } from '../../src/clinic/permissions.ts'
import { department, doctor, inDays, type PatientPerson, patient, schedule } from '../support/clinic.ts'
import type { Person, World } from '../support/world.ts'

export interface ClinicCast {
  readonly clinicAdministrator: Person
  readonly clinicDesk: Person
  /** Head of a sixth department, in which there is nothing to decide. */
  readonly clinicHead: Person
  /** Five doctors with the ids 1 to 5, each the head of the department with the same id. */
  readonly clinicDoctors: readonly Person[]
  /** A patient without orders. */
  readonly clinicPatient: PatientPerson
}

/** Days from today of the schedules of doctors 1 to 5. */
const DAYS = [0, 1, 2, 3, 4] as const

/**
 * Five areas, departments, clinics and doctors, with three schedules each: 1 to 5 in the morning, 6 to 10 in the
 * afternoon, 11 to 15 with one number. The people have the patients 1 to 9, and the orders with the same ids: 1 is
 * checked in, 2 is paid, 5 is cancelled. They have a relation, feedback, and entries of the waiting list. Doctors have
 * asked for weeks, leaves and added numbers.
 */
export async function fillClinic(world: World, people: readonly Person[]): Promise<ClinicCast> {
  const clinicAdministrator = await world.person(ADMIN_ROLE)
  const call = async (as: Person, method: 'POST' | 'PUT', path: string, payload: object = {}) => {
    const { body } = await world.call(method, path, { as, payload })
    if (body.code !== 0) throw new Error(`${method} ${path}: ${JSON.stringify(body)}`)
    return body.message
  }

  for (const [index, { id }] of people.entries()) {
    await sql`INSERT INTO patient (user_id, name, patient_type, create_time)
      VALUES (${id}, ${`患者 ${index + 1}`}, '校外', ${world.clock.now()})`.execute(world.database.db)
  }
  const clinicDoctors: Person[] = []
  const places = []
  for (const day of DAYS) {
    const of = await department(world)
    const { doctorId, person } = await doctor(world, of.deptId, { isHead: true, title: '主任医师' })
    clinicDoctors.push(person)
    places.push({ of, doctorId, day, person })
  }
  // The first session has begun: its patient can check in.
  for (const place of places) await schedule(world, { ...place, section: place.day === 0 ? '下午' : '上午' })
  for (const place of places) await schedule(world, { ...place, section: '晚上' })
  for (const place of places) await schedule(world, { ...place, day: place.day + 6, slots: 1 })

  for (const [index, person] of people.entries()) {
    const request = { scheduleId: (index % 5) + 1, patientId: index + 1, symptoms: '咳嗽' }
    await call(person, 'POST', '/patient/appointments', request)
  }
  const [first, second, , , fifth] = people
  if (!first || !second || !fifth) throw new Error('there are people')
  await call(second, 'POST', '/patient/appointments/2/pay', { method: 'wechat' })
  await call(fifth, 'PUT', '/patient/appointments/5/cancel')
  // Patients 1 to 5 take the only numbers of the schedules 11 to 15, and the others wait for them.
  const clinicPatient = await patient(world)
  for (let index = 0; index < 5; index += 1) {
    const other = await patient(world)
    await call(other, 'POST', '/patient/appointments', { scheduleId: 11 + index, patientId: other.patientId })
    const waiting = { scheduleId: 11 + index, patientId: ((index + 2) % 9) + 1 }
    const one = people[(index + 2) % 9]
    if (one) await call(one, 'POST', '/patient/waitlist', waiting)
  }
  for (const [index, person] of people.slice(0, 5).entries()) {
    const relative = { name: `亲属 ${index + 1}`, gender: '女', relation_type: '子女', birth_date: '2015-05-05' }
    await call(person, 'POST', '/patient/patients', relative)
    await call(person, 'POST', '/common/feedback', { type: 'praise', content: '医生很耐心' })
  }
  for (const [index, { doctorId, of, person }] of places.entries()) {
    const changes = [{ date: inDays(world, 14), shift: 'morning', doctorId, status: 'filled' }]
    await call(person, 'POST', '/doctor/schedule/submit-change', { clinicId: of.clinicId, changes })
    await call(person, 'POST', '/doctor/leave/apply', { date: inDays(world, 20), reason: '学术会议' })
    const added = { schedule_id: 6 + index, patient_id: index + 1, slot_type: '普通', reason: '复诊' }
    await call(person, 'POST', '/doctor/schedules/add-slot', added)
  }
  const empty = await department(world)
  const { person: clinicHead } = await doctor(world, empty.deptId, { isHead: true, title: '主任医师' })
  return { clinicAdministrator, clinicDesk: await world.person(DESK_ROLE), clinicHead, clinicDoctors, clinicPatient }
}
