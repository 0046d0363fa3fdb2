import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, type PatientPerson, patient, schedule } from '../../../test/support/clinic.ts'
import { openWorld } from '../../../test/support/world.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import { register } from './booking.ts'

const world = await openWorld()
afterAll(() => world.close())

const callerOf = ({ id }: { readonly id: number }): Caller => ({
  userId: id,
  sessionId: randomUUID(),
  roles: new Set(['clinic:patient']),
  permissions: new Set(),
  isAdmin: false,
  scope: 'full',
  address: '127.0.0.1',
  requestId: 'test',
})

const take = (person: PatientPerson, scheduleId: number, patientId = person.patientId) =>
  register(world.kernel, callerOf(person), { scheduleId, patientId, symptoms: '' })

const numbersOf = async (scheduleId: number) => {
  const [row] = await world.rows<{ total: number; remaining: number; given: number[] }>(
    `SELECT total_slots AS total, remaining_slots AS remaining,
       ARRAY(SELECT queue_no FROM registration_order WHERE schedule_id = s.schedule_id AND queue_no IS NOT NULL ORDER BY 1) AS given
     FROM schedule s WHERE schedule_id = ${scheduleId}`,
  )
  return row
}

describe('Registering', () => {
  it('takes one number and gives it out in order', async () => {
    const id = await schedule(world, { slots: 3 })
    const first = await take(await patient(world), id)
    const second = await take(await patient(world), id)
    expect([first.number, second.number]).toEqual([1, 2])
    expect(first).toMatchObject({ status: 'pending', price: 5000 })
    expect(await numbersOf(id)).toEqual({ total: 3, remaining: 1, given: [1, 2] })
  })

  it('never gives out more numbers than there are, however many come at once', async () => {
    const id = await schedule(world, { slots: 5 })
    const people = await Promise.all(Array.from({ length: 30 }, () => patient(world)))
    const results = await Promise.allSettled(people.map((person) => take(person, id)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason.facts.code).toBe(1001)
    }
    expect(await numbersOf(id)).toEqual({ total: 5, remaining: 0, given: [1, 2, 3, 4, 5] })
  })

  it('lets one patient have one order of a schedule, also when two requests come at once', async () => {
    const id = await schedule(world, { slots: 5 })
    const person = await patient(world)
    const results = await Promise.allSettled([take(person, id), take(person, id)])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await numbersOf(id)).toMatchObject({ remaining: 4 })
  })

  it('lets one patient have one visit of a department in seven days, also when two requests come at once', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const monday = await schedule(world, { of, doctorId, day: 1 })
    const sunday = await schedule(world, { of, doctorId, day: 7 })
    const nextMonday = await schedule(world, { of, doctorId, day: 8 })
    const person = await patient(world)
    const results = await Promise.allSettled([take(person, monday), take(person, sunday)])
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const other = await patient(world)
    await take(other, monday)
    await expect(take(other, nextMonday)).resolves.toMatchObject({ number: 1 })
  })

  it('confirms at once what costs nothing', async () => {
    const id = await schedule(world, { price: 0 })
    expect(await take(await patient(world), id)).toMatchObject({ status: 'confirmed', price: 0, expiresAt: null })
  })

  it('refuses to register somebody else’s patient', async () => {
    const [one, other] = [await patient(world), await patient(world)]
    await expect(take(one, await schedule(world), other.patientId)).rejects.toMatchObject({ facts: { code: 102 } })
  })
})
