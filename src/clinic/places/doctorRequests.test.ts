import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin, inDays, patient, schedule } from '../../../test/support/clinic.ts'
import { type Method, MONDAY, openWorld, type Person } from '../../../test/support/world.ts'
import { SESSIONS_CHANNEL } from '../../kernel/identity/sessions/sessionStore.ts'
import { ADMIN_ROLE, DOCTOR_ROLE } from '../permissions.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

let admin: Person
beforeAll(async () => {
  admin = await hospitalAdmin(world)
})

const ask = async (as: Person, method: Method, path: string, payload?: unknown) =>
  (await world.call(method, path, { as, payload })).body
const refusedWith = (code: number, msg: string) => ({ code, message: { msg: expect.stringContaining(msg) } })
/** Makes a person an administrator too, and waits until their session knows. */
async function makeAdministrator(person: Person) {
  await world.rows(`INSERT INTO user_roles (user_id, role, granted_at) VALUES (${person.id}, '${ADMIN_ROLE}', now())`)
  await world.rows(`SELECT pg_notify('${SESSIONS_CHANNEL}', '${person.id}')`)
  await expect.poll(async () => (await ask(person, 'GET', '/admin/displays')).code).toBe(0)
}

const team = async () => {
  const of = await department(world)
  const head = await doctor(world, of.deptId, { isHead: true })
  const member = await doctor(world, of.deptId)
  return { of, head, member }
}
const leaveOf = async (as: Person, payload: object): Promise<number> => {
  const { code, message } = await ask(as, 'POST', '/doctor/leave/apply', { reason: '家事', ...payload })
  expect(code).toBe(0)
  return message.applicationId
}
const submit = async (of: { readonly clinicId: number }, as: Person, doctorId: number): Promise<number> => {
  const changes = [{ date: inDays(world, 7), shift: 'morning', doctorId, status: 'filled' }]
  const { message } = await ask(as, 'POST', '/doctor/schedule/submit-change', { clinicId: of.clinicId, changes })
  return message.auditId
}
const requestSlot = async (as: Person, scheduleId: number): Promise<number> => {
  const wish = { schedule_id: scheduleId, patient_id: (await patient(world)).patientId, slot_type: '普通' }
  const { code, message } = await ask(as, 'POST', '/doctor/schedules/add-slot', wish)
  expect(code, JSON.stringify(message)).toBe(0)
  return message.audit_id
}

describe('A doctor’s own leaves', () => {
  it('are shown in a calendar of the month, with the sessions of each day', async () => {
    const { of, member } = await team()
    const { doctorId, person } = member
    await schedule(world, { of, doctorId, day: 3 })
    await schedule(world, { of, doctorId, day: 3, section: '晚上' })
    await leaveOf(person, { date: inDays(world, 3), shift: 'morning' })
    const approved = await leaveOf(person, { start_date: inDays(world, 10), end_date: inDays(world, 11) })
    await ask(admin, 'POST', `/audit/leave/${approved}/approve`)
    const { days } = (await ask(person, 'GET', '/doctor/leave/schedule?year=2026&month=3')).message
    expect(days).toHaveLength(31)
    expect(days[1]).toMatchObject({ date: '2026-03-02', day: 2, isToday: true, hasShift: false, leaveStatus: null })
    expect(days[4]).toMatchObject({
      ...{ date: '2026-03-05', isToday: false, hasShift: true, leaveStatus: 'pending' },
      shiftInfo: expect.stringMatching(/^上午 .+、晚上 .+$/),
      shiftLeaveStatuses: [
        { shift: 'morning', leaveStatus: 'pending' },
        { shift: 'afternoon', leaveStatus: null },
        { shift: 'night', leaveStatus: null },
      ],
    })
    expect(days[11]).toMatchObject({ date: '2026-03-12', leaveStatus: 'approved' })
    expect(days[12]).toMatchObject({ leaveStatus: 'approved' })
    expect(days[13]).toMatchObject({ leaveStatus: null })
    const december = (await ask(person, 'GET', '/doctor/leave/schedule?year=2026&month=12')).message.days
    expect([december[0].date, december.at(-1).date]).toEqual(['2026-12-01', '2026-12-31'])
    expect(await ask(await world.person(DOCTOR_ROLE), 'GET', '/doctor/leave/schedule?year=2026&month=3')).toMatchObject(
      {
        code: 102,
      },
    )
  })

  it('are listed with their decisions, the newest first', async () => {
    const { head, member } = await team()
    const first = await leaveOf(member.person, { date: inDays(world, 2) })
    await ask(head.person, 'POST', `/doctor/leave/audit/${first}/reject`, { comment: '人手不足' })
    const second = await leaveOf(member.person, { date: inDays(world, 4), shift: 'night' })
    await leaveOf(head.person, { date: inDays(world, 4) })
    const { total, list } = (await ask(member.person, 'GET', '/doctor/leave/history')).message
    expect(total).toBe(2)
    expect(list).toMatchObject([
      { id: second, date: inDays(world, 4), shift: 'night', status: 'pending', approver: null, rejectReason: null },
      { id: first, shift: 'full', status: 'rejected', approver: expect.any(String), rejectReason: '人手不足' },
    ])
    const paged = (await ask(member.person, 'GET', '/doctor/leave/history?page=2&pageSize=1')).message
    expect(paged).toMatchObject({ total: 2, list: [{ id: first }] })
  })
})

describe('The head of a department', () => {
  it('sees how many leaves wait, and how many were decided this month', async () => {
    const { head, member } = await team()
    const stats = async (as: Person) => (await ask(as, 'GET', '/doctor/approval/stats')).message
    const early = await leaveOf(member.person, { date: inDays(world, 1), shift: 'night' })
    world.clock.set(new Date('2026-02-28T00:00:00Z'))
    await ask(head.person, 'POST', `/doctor/leave/audit/${early}/approve`)
    world.clock.set(MONDAY)
    const ids = []
    for (const day of [2, 3, 4, 5]) ids.push(await leaveOf(member.person, { date: inDays(world, day) }))
    await ask(head.person, 'POST', `/doctor/leave/audit/${ids[0]}/approve`)
    await ask(head.person, 'POST', `/doctor/leave/audit/${ids[1]}/reject`, { comment: '人手不足' })
    expect(await stats(head.person)).toEqual({ pending: 2, approvedMonth: 1, rejectedMonth: 1 })
    expect(await stats(member.person)).toEqual({ pending: 0, approvedMonth: 0, rejectedMonth: 0 })
    expect(await stats((await team()).head.person)).toEqual({ pending: 0, approvedMonth: 0, rejectedMonth: 0 })
  })

  it('sees which doctors of the department are available, busy or on leave in a section', async () => {
    const { of, head, member } = await team()
    const away = await doctor(world, of.deptId)
    const date = inDays(world, 3)
    await schedule(world, { of, doctorId: member.doctorId, day: 3 })
    await schedule(world, { of, doctorId: member.doctorId, day: 4 })
    const leave = await leaveOf(away.person, { date, shift: 'morning' })
    const find = async (shift: string, clinicId = of.clinicId) =>
      await ask(
        head.person,
        'GET',
        `/doctor/schedule/available-doctors?clinicId=${clinicId}&date=${date}&shift=${shift}`,
      )
    const statuses = async (shift: string) =>
      Object.fromEntries((await find(shift)).message.map(({ id, status }: Record<string, string>) => [id, status]))
    const [mine, busy, gone] = [head.doctorId, member.doctorId, away.doctorId]
    expect(await statuses('morning')).toEqual({ [mine]: 'available', [busy]: 'conflict', [gone]: 'available' })
    await ask(admin, 'POST', `/audit/leave/${leave}/approve`)
    expect(await statuses('morning')).toEqual({ [mine]: 'available', [busy]: 'conflict', [gone]: 'leave' })
    expect(await statuses('afternoon')).toEqual({ [mine]: 'available', [busy]: 'available', [gone]: 'available' })
    expect((await find('morning')).message).toContainEqual(
      expect.objectContaining({ id: busy, conflictReason: '该时段已有排班', assignedCount: 2 }),
    )
    expect(await find('morning', (await department(world)).clinicId)).toMatchObject({ code: 106 })
    const path = `/doctor/schedule/available-doctors?clinicId=${of.clinicId}&date=${date}&shift=morning`
    expect(await ask(member.person, 'GET', path)).toMatchObject({ code: 102 })
  })
})

describe('Requests for added numbers', () => {
  it('are taken back by their doctor alone, while they are pending', async () => {
    const { of, member, head } = await team()
    const id = await schedule(world, { of, doctorId: member.doctorId })
    const audit = await requestSlot(member.person, id)
    const cancel = (as: Person) => ask(as, 'POST', `/doctor/schedules/add-slot/${audit}/cancel`)
    expect(await cancel(head.person)).toMatchObject({ code: 106 })
    const both = await Promise.all([cancel(member.person), cancel(member.person)])
    expect(both.map(({ code }) => code).sort()).toEqual([0, 106])
    expect(await ask(admin, 'POST', `/audit/add-slot/${audit}/approve`)).toMatchObject({ code: 106 })
    expect((await ask(member.person, 'GET', '/doctor/schedules/add-slot')).message.audits ?? []).toEqual([])
    expect(await requestSlot(member.person, id)).toBeGreaterThan(audit)
  })
})

describe('Nobody', () => {
  it('decides about their own leave, week or added number', async () => {
    const { of, head, member } = await team()
    const leave = await leaveOf(head.person, { date: inDays(world, 5) })
    expect(await ask(head.person, 'POST', `/doctor/leave/audit/${leave}/approve`)).toMatchObject(
      refusedWith(102, '自己'),
    )
    const week = await submit(of, head.person, member.doctorId)
    const slot = await requestSlot(member.person, await schedule(world, { of, doctorId: member.doctorId }))
    await makeAdministrator(head.person)
    await makeAdministrator(member.person)
    for (const verb of ['approve', 'reject']) {
      expect(await ask(head.person, 'POST', `/audit/leave/${leave}/${verb}`)).toMatchObject(refusedWith(102, '自己'))
      expect(await ask(head.person, 'POST', `/audit/schedule/${week}/${verb}`)).toMatchObject(refusedWith(102, '自己'))
      expect(await ask(member.person, 'POST', `/audit/add-slot/${slot}/${verb}`)).toMatchObject(
        refusedWith(102, '自己'),
      )
    }
    const paths = [`leave/${leave}`, `schedule/${week}`, `add-slot/${slot}`]
    for (const path of paths)
      expect(await ask(admin, 'POST', `/audit/${path}/approve`), path).toMatchObject({ code: 0 })
  })
})

describe('A request', () => {
  it('is told to the head of the department and the administrators, its decision to who made it', async () => {
    const { of, head, member } = await team()
    const other = await team()
    const typesOf = async (person: Person) => (await world.inbox(person)).map(({ type }) => type)
    const before = (await world.inbox(admin)).length
    await leaveOf(member.person, { start_date: inDays(world, 4), end_date: inDays(world, 5) })
    await requestSlot(member.person, await schedule(world, { of, doctorId: member.doctorId }))
    const week = await submit(of, head.person, member.doctorId)
    const told = (await world.inbox(admin)).slice(before).map(({ subject }) => subject)
    expect(told).toEqual([
      expect.stringMatching(`^新的请假申请：.+，${inDays(world, 4)} 至 ${inDays(world, 5)}$`),
      expect.stringMatching('^新的加号申请：.+，患者 .+ 上午$'),
      expect.stringMatching(`^新的排班申请：.+，门诊 .+ ${inDays(world, 7)} 至 ${inDays(world, 13)}$`),
    ])
    expect(await typesOf(head.person)).toEqual(['clinic.audit.requested', 'clinic.audit.requested'])
    expect(await typesOf(member.person)).toEqual([])
    expect(await typesOf(other.head.person)).toEqual([])
    await ask(admin, 'POST', `/audit/schedule/${week}/reject`, { comment: '请调整' })
    expect((await typesOf(head.person)).at(-1)).toBe('clinic.audit.rejected')
  })
})

describe('The operation log', () => {
  const lastChanges = async (action: string) => {
    await world.drain()
    const rows = await world.rows<{ changes: Record<string, unknown> }>(
      `SELECT changes FROM operation_log WHERE action = '${action}' ORDER BY id DESC LIMIT 1`,
    )
    return rows[0]?.changes
  }

  it('has what requests and decisions changed', async () => {
    const { of, head, member } = await team()
    const leave = await leaveOf(member.person, { date: inDays(world, 2), shift: 'night' })
    expect(await lastChanges('clinic.leave.request')).toEqual({
      status: [null, 'pending'],
      from: [null, inDays(world, 2)],
      to: [null, inDays(world, 2)],
      shift: [null, 'night'],
    })
    await ask(head.person, 'POST', `/doctor/leave/audit/${leave}/approve`, { comment: '同意' })
    const approved = { status: ['pending', 'approved'], audit_remark: [null, expect.any(String)] }
    expect(await lastChanges('clinic.leave.approve')).toEqual({ ...approved, audit_remark: [null, '同意'] })
    const week = await submit(of, head.person, member.doctorId)
    expect(await lastChanges('clinic.schedule_audit.submit')).toMatchObject({
      clinic_id: [null, of.clinicId],
      cells: [null, [{ date: inDays(world, 7), timeSection: '上午' }]],
    })
    await ask(admin, 'POST', `/audit/schedule/${week}/approve`)
    expect(await lastChanges('clinic.schedule_audit.approve')).toEqual(approved)
    const slot = await requestSlot(member.person, await schedule(world, { of, doctorId: member.doctorId }))
    await ask(admin, 'POST', `/audit/add-slot/${slot}/approve`)
    expect(await lastChanges('clinic.add_slot.approve')).toEqual({ ...approved, order_id: [null, expect.any(Number)] })
  })

  it('has the old and the new values of schedules, prices and the configuration', async () => {
    const { of, member } = await team()
    const id = await schedule(world, { of, doctorId: member.doctorId, slots: 5 })
    await ask(admin, 'PUT', `/schedules/${id}`, { total_slots: 8, price: 66 })
    expect(await lastChanges('clinic.schedule.change')).toEqual({ totalSlots: [5, 8], price: [5000, 6600] })
    await ask(admin, 'PUT', `/clinics/${of.clinicId}`, { default_price_normal: 20 })
    await ask(admin, 'PUT', `/clinics/${of.clinicId}`, { default_price_normal: 30 })
    expect(await lastChanges('clinic.clinic.change')).toEqual({ 普通: [2000, 3000] })
    await ask(admin, 'PUT', '/config', { registration: { noShowLimit: 4 } })
    expect(await lastChanges('clinic.configuration.change')).toEqual({ noShowLimit: [3, 4] })
  })
})
