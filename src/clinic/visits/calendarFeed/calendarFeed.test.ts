import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, patient, schedule } from '../../../../test/support/clinic.ts'
import { call, register } from '../../../../test/support/clinicVisits.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

const PATH = '/patient/appointments/calendar.ics'
const pathOf = (url: string) => url.slice(new URL(url).origin.length)
const linkOf = async (as: Person) =>
  pathOf((await call(world, as, 'GET', '/patient/appointments/calendar-link')).message.url)
const unfolded = (text: string) => text.replaceAll('\r\n ', '')
const eventsOf = (text: string) =>
  unfolded(text)
    .split('BEGIN:VEVENT')
    .slice(1)
    .map((part) => part.split('\r\n'))
const statesOf = (text: string) =>
  eventsOf(text).map((lines) => lines.filter((line) => /^(UID|STATUS):/.test(line)).join(' '))

/** A session in a department of its own. */
async function session(day: number, price: number) {
  const of = await department(world)
  const { doctorId } = await doctor(world, of.deptId)
  return await schedule(world, { of, doctorId, day, price })
}

describe('The calendar feed of a person’s orders', () => {
  it('shows them at their estimated times in the local zone, with a token or with the link', async () => {
    const [one, first, child] = [await patient(world), await patient(world), await patient(world)]
    const paid = await session(1, 0)
    await register(world, first, paid, first.patientId)
    const mine = await register(world, one, paid, one.patientId)
    await world.rows(
      `INSERT INTO patient_relation (user_id, related_patient_id, create_time, update_time)
       VALUES (${one.id}, ${child.patientId}, now(), now())`,
    )
    const forChild = await register(world, one, await session(2, 5000), child.patientId)
    const { status, headers, body } = await world.call('GET', PATH, { as: one })
    expect([status, headers['content-type']]).toEqual([200, 'text/calendar; charset=utf-8'])
    expect(unfolded(body).split('\r\n')).toEqual(
      expect.arrayContaining(['BEGIN:VCALENDAR', 'BEGIN:VTIMEZONE', 'TZID:Asia/Shanghai', 'TZOFFSETTO:+0800']),
    )
    const [event, pending] = eventsOf(body)
    expect(event).toEqual(
      expect.arrayContaining([
        `UID:clinic-order-${mine}@127.0.0.1`,
        'DTSTART;TZID=Asia/Shanghai:20260303T082000',
        'DTEND;TZID=Asia/Shanghai:20260303T083500',
        'STATUS:CONFIRMED',
      ]),
    )
    expect(event?.join('\n')).toMatch(/SUMMARY:小科室 \d+ 医生 \d+\nLOCATION:院区 \d+ 门诊 \d+/)
    expect(event?.join('\n')).toMatch(/DESCRIPTION:就诊人：患者 \d+，就诊序号：A002，订单号：20260302\d{8}/)
    expect(pending).toEqual(expect.arrayContaining([`UID:clinic-order-${forChild}@127.0.0.1`, 'STATUS:TENTATIVE']))
    expect((await world.call('GET', await linkOf(one))).body).toBe(body)
    expect(statesOf((await world.call('GET', PATH, { as: child })).body)).toEqual([
      `UID:clinic-order-${forChild}@127.0.0.1 STATUS:TENTATIVE`,
    ])
  })

  it('answers 304 while it is unchanged', async () => {
    const one = await patient(world)
    const id = await register(world, one, await session(3, 0), one.patientId)
    const ask = async (etag = '') => await world.call('GET', PATH, { as: one, headers: { 'if-none-match': etag } })
    const etag = String((await ask()).headers.etag)
    world.clock.advance(1)
    expect((await ask(etag)).status).toBe(304)
    await world.call('PUT', `/patient/appointments/${id}/cancel`, { as: one })
    expect((await ask(etag)).status).toBe(200)
  })

  it('shows cancelled orders as cancelled, and drops them and past ones after 30 days', async () => {
    const one = await patient(world)
    const [past, cancelled, unpaid] = [
      await register(world, one, await session(1, 0), one.patientId),
      await register(world, one, await session(5, 0), one.patientId),
      await register(world, one, await session(6, 5000), one.patientId),
    ]
    await world.call('PUT', `/patient/appointments/${cancelled}/cancel`, { as: one })
    world.clock.advance(20)
    await world.system.jobs.runNow('clinic.orders')
    const read = async () => statesOf((await world.call('GET', PATH, { as: one })).body)
    expect(await read()).toEqual([
      `UID:clinic-order-${past}@127.0.0.1 STATUS:CONFIRMED`,
      `UID:clinic-order-${cancelled}@127.0.0.1 STATUS:CANCELLED`,
      `UID:clinic-order-${unpaid}@127.0.0.1 STATUS:CANCELLED`,
    ])
    const day = 24 * 60
    world.clock.advance(30 * day - 15)
    expect(await read(), 'the second was cancelled 30 days ago').toEqual([
      `UID:clinic-order-${past}@127.0.0.1 STATUS:CONFIRMED`,
      `UID:clinic-order-${unpaid}@127.0.0.1 STATUS:CANCELLED`,
    ])
    world.clock.advance(2 * day)
    expect(await read()).toEqual([])
    world.clock.advance(-32 * day - 5)
  })

  it('has no orders that wait for a number', async () => {
    const [one, other] = [await patient(world), await patient(world)]
    const full = await session(3, 0)
    await world.rows(`UPDATE schedule SET total_slots = 1, remaining_slots = 1 WHERE schedule_id = ${full}`)
    await register(world, other, full, other.patientId)
    const payload = { scheduleId: full, patientId: one.patientId }
    expect(await call(world, one, 'POST', '/patient/waitlist', payload)).toMatchObject({ code: 0 })
    expect(statesOf((await world.call('GET', PATH, { as: one })).body)).toEqual([])
  })

  it('is private: a reset ends old links, and other tokens are refused', async () => {
    const one = await patient(world)
    const old = await linkOf(one)
    const reset = await call(world, one, 'POST', '/patient/appointments/calendar-link/reset')
    const link = pathOf(reset.message.url)
    expect(link).not.toBe(old)
    expect(await linkOf(one)).toBe(link)
    expect((await world.call('GET', link)).body).toContain('BEGIN:VCALENDAR')
    for (const path of [old, `${PATH}?token=${one.token}`, `${PATH}?token=1.1`])
      expect((await world.call('GET', path)).body).toMatchObject({ code: 106 })
    const visitor = await world.call('GET', PATH)
    expect([visitor.status, visitor.body.code]).toEqual([401, 105])
  })
})
