import { type Department, department, doctor, type PatientPerson, patient, schedule } from './clinic.ts'
import type { Person, World } from './world.ts'

/** A free session this afternoon, with a patient who has a number. */
export interface Visit {
  readonly of: Department
  readonly doctorId: number
  readonly doctor: Person
  readonly scheduleId: number
  readonly patient: PatientPerson
  readonly orderId: number
}

/** The code of an answer of the clinic with its message. */
export const call = async (
  world: World,
  as: Person,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  payload?: object,
  // Answers have no static type: tests state what they expect.
  // biome-ignore lint/suspicious/noExplicitAny: as above
): Promise<any> => (await world.call(method, path, { as, ...(payload && { payload }) })).body

/** A visit that is not called yet. */
export async function visit(world: World, more: { readonly of?: Department } = {}): Promise<Visit> {
  const of = more.of ?? (await department(world))
  const { doctorId, person } = await doctor(world, of.deptId)
  const scheduleId = await schedule(world, { of, doctorId, day: 0, section: '下午', price: 0 })
  const one = await patient(world)
  const orderId = await register(world, one, scheduleId, one.patientId)
  return { of, doctorId, doctor: person, scheduleId, patient: one, orderId }
}

/** Registers a patient by a user, and returns the order's id. */
export async function register(world: World, as: Person, scheduleId: number, patientId: number): Promise<number> {
  const { message } = await call(world, as, 'POST', '/patient/appointments', { scheduleId, patientId })
  return message.id
}

/** A visit whose patient is being called. */
export async function calledVisit(world: World, more: { readonly of?: Department } = {}): Promise<Visit> {
  const one = await visit(world, more)
  await call(world, one.doctor, 'POST', '/doctor/consultation/next', { schedule_id: one.scheduleId })
  return one
}

/** A completed visit with a record. */
export async function seenVisit(world: World, record: object, more: { readonly of?: Department } = {}): Promise<Visit> {
  const one = await calledVisit(world, more)
  await call(world, one.doctor, 'POST', '/doctor/consultation/complete', { order_id: one.orderId, record })
  return one
}

/** The operation log of a resource, oldest first. */
export async function logOf(world: World, resource: string, id: number) {
  await world.drain()
  return await world.rows<{ action: string; actor_id: number; changes: unknown }>(
    `SELECT action, actor_id, changes FROM operation_log WHERE resource = '${resource}' AND resource_id = '${id}' ORDER BY id`,
  )
}
