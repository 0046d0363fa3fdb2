import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin, patient, schedule } from '../../../test/support/clinic.ts'
import { type Method, openWorld, type Person } from '../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

let admin: Person
beforeAll(async () => {
  admin = await hospitalAdmin(world)
})

const ask = async (method: Method, path: string, payload?: unknown) =>
  (await world.call(method, path, { as: admin, payload })).body

const refusedWith = (code: number, msg: string) => ({ code, message: { msg: expect.stringContaining(msg) } })

describe('Departments', () => {
  it('are added, listed, changed and deleted at the root and under /admin', async () => {
    expect(await ask('POST', '/major-departments', { name: '内科', description: '内科相关' })).toEqual({
      code: 0,
      message: { detail: '成功创建大科室：内科' },
    })
    const { departments } = (await ask('GET', '/admin/major-departments/')).message
    expect(departments).toEqual([
      { major_dept_id: 1, name: '内科', description: '内科相关', create_time: '2026-03-02T08:00:00' },
    ])
    const prices = { default_price_normal: 60, default_price_expert: null, default_price_special: 550.5 }
    const minor = { major_dept_id: 1, name: '心内科', description: '心脏内科' }
    const made = await ask('POST', '/minor-departments', { ...minor, ...prices })
    expect(made).toEqual({ code: 0, message: { minor_dept_id: 1, ...minor, ...prices } })
    const changed = await ask('PUT', '/minor-departments/1', { default_price_special: null, default_price_expert: 150 })
    expect(changed.message).toMatchObject({
      default_price_normal: 60,
      default_price_expert: 150,
      default_price_special: null,
    })
    expect((await ask('GET', '/admin/minor-departments/?major_dept_id=1')).message).toMatchObject({ total: 1 })
    expect(await ask('DELETE', '/major-departments/1')).toMatchObject(refusedWith(99, '还有 1 个小科室'))
    expect(await ask('DELETE', '/minor-departments/1')).toMatchObject({ message: { detail: '成功删除小科室 心内科' } })
    expect(await ask('DELETE', '/major-departments/1')).toMatchObject({ code: 0 })
    expect(await ask('PUT', '/major-departments/1', { name: '外科' })).toMatchObject(refusedWith(106, '大科室不存在'))
  })

  it('have names of their own', async () => {
    await ask('POST', '/major-departments', { name: '儿科' })
    expect(await ask('POST', '/major-departments', { name: '儿科' })).toMatchObject(refusedWith(99, '大科室名称已存在'))
  })

  it('are not deleted while doctors or clinics belong to them', async () => {
    const { deptId, clinicId } = await department(world)
    const { doctorId } = await doctor(world, deptId)
    expect(await ask('DELETE', `/minor-departments/${deptId}`)).toMatchObject(refusedWith(99, '还有 1 名医生'))
    await ask('DELETE', `/doctors/${doctorId}`)
    expect(await ask('DELETE', `/minor-departments/${deptId}`)).toMatchObject(refusedWith(99, '还有 1 个门诊'))
    await ask('DELETE', `/clinics/${clinicId}`)
    expect(await ask('DELETE', `/minor-departments/${deptId}`)).toMatchObject({ code: 0 })
  })

  it('can be read by patients without a log-in, but only changed by administrators', async () => {
    expect((await world.call('GET', '/patient/minor-departments')).body).toMatchObject({ code: 0 })
    const anonymous = await world.call('POST', '/admin/major-departments', { payload: { name: '口腔科' } })
    expect(anonymous).toMatchObject({ status: 401, body: { code: 105 } })
    const byPatient = { as: await patient(world), payload: { name: '口腔科' } }
    expect(await world.call('POST', '/major-departments', byPatient)).toMatchObject({
      status: 403,
      body: { code: 102 },
    })
  })
})

describe('Areas and clinics', () => {
  it('belong together: a clinic lies in the only area, or names one', async () => {
    const { deptId, areaId } = await department(world)
    const clinic = { minor_dept_id: deptId, name: '普通门诊', clinic_type: 0, address: '门诊楼2层' }
    expect(await ask('POST', '/clinics', clinic)).toMatchObject(refusedWith(99, 'area_id'))
    const made = await ask('POST', '/clinics', { ...clinic, area_id: areaId, default_price_normal: 70 })
    expect(made.message).toMatchObject({ ...clinic, area_id: areaId, default_price_normal: 70, detail: '门诊创建成功' })
    expect(await ask('DELETE', `/hospital-areas/${areaId}`)).toMatchObject(refusedWith(99, '还有 2 个门诊'))
    expect((await ask('GET', `/admin/clinics?dept_id=${deptId}`)).message.total).toBe(2)
  })

  it('are added, changed and deleted', async () => {
    const { area_id } = (await ask('POST', '/hospital-areas', { name: '东校区', latitude: 39.9 })).message
    expect(await ask('PUT', `/hospital-areas/${area_id}`, { destination: '东门' })).toMatchObject({ code: 0 })
    expect((await world.call('GET', `/patient/hospitals?area_id=${area_id}`)).body.message.areas).toMatchObject([
      { area_id, name: '东校区', destination: '东门', latitude: 39.9, longitude: null },
    ])
    expect(await ask('DELETE', `/hospital-areas/${area_id}`)).toMatchObject({ code: 0 })
    expect((await ask('GET', `/hospital-areas?area_id=${area_id}`)).message.areas).toEqual([])
  })

  it('keep a clinic while it has schedules ahead', async () => {
    const of = await department(world)
    const id = await schedule(world, { of, day: 0 })
    expect(await ask('DELETE', `/clinics/${of.clinicId}`)).toMatchObject(refusedWith(99, '还有 1 个未结束的排班'))
    await world.rows(`UPDATE schedule SET deleted_at = now() WHERE schedule_id = ${id}`)
    expect(await ask('DELETE', `/clinics/${of.clinicId}`)).toMatchObject({ code: 0 })
  })
})

describe('Doctors', () => {
  it('are added with an account, which logs in with the staff number', async () => {
    const { deptId } = await department(world)
    const account = { identifier: 'doc1001', password: 'Str0ng-enough-2026', phonenumber: '13800000000' }
    const made = await ask('POST', '/doctors', { dept_id: deptId, name: '张三', title: '主治医师', ...account })
    expect(made.message).toMatchObject({ name: '张三', account_provided: true, default_price_normal: null })
    const { doctors } = (await ask('GET', `/doctors?dept_id=${deptId}`)).message
    expect(doctors).toMatchObject([{ name: '张三', is_registered: true }])
    const again = await ask('POST', '/doctors', { dept_id: deptId, name: '李四', ...account })
    expect(again).toMatchObject(refusedWith(99, '已被占用'))
    expect((await ask('GET', `/doctors?dept_id=${deptId}`)).message.total).toBe(1)
  })

  it('need number and password together for an account', async () => {
    const { deptId } = await department(world)
    const body = { dept_id: deptId, name: '王五', identifier: 'doc1002' }
    expect(await ask('POST', '/doctors', body)).toMatchObject(refusedWith(99, '同时提供工号'))
  })

  it('lose account, prices and schedules ahead when they are deleted; open orders need force', async () => {
    const of = await department(world)
    const { doctorId, person } = await doctor(world, of.deptId)
    await ask('PUT', `/doctors/${doctorId}`, { default_price_normal: 80 })
    const free = await schedule(world, { of, doctorId, day: 2 })
    const booked = await schedule(world, { of, doctorId, day: 3, price: 0 })
    const somebody = await patient(world)
    await world.rows(`INSERT INTO registration_order (patient_id, initiator_user_id, schedule_id, minor_dept_id, slot_date,
        slot_type, price, status, payment_status, queue_no, create_time, update_time)
      SELECT ${somebody.patientId}, ${somebody.id}, schedule_id, minor_dept_id, date, slot_type, 0, 'confirmed', 'paid', 1,
        now(), now() FROM schedule WHERE schedule_id = ${booked}`)
    await world.rows(`UPDATE schedule SET remaining_slots = 4, last_no = 1 WHERE schedule_id = ${booked}`)
    expect(await ask('DELETE', `/doctors/${doctorId}`)).toMatchObject(refusedWith(99, 'force=true'))
    expect(await ask('DELETE', `/doctors/${doctorId}?force=true`)).toMatchObject({ code: 0 })
    expect((await world.call('GET', '/patient/hospitals', { as: person })).status).toBe(200)
    expect((await world.call('GET', '/api/v1/users/me', { as: person })).status).toBe(401)
    const left =
      await world.rows(`SELECT schedule_id AS id, deleted_at IS NOT NULL AS gone, remaining_slots AS remaining
      FROM schedule WHERE schedule_id IN (${free}, ${booked}) ORDER BY 1`)
    expect(left).toEqual([
      { id: free, gone: true, remaining: 5 },
      { id: booked, gone: true, remaining: 5 },
    ])
    expect(await world.rows(`SELECT status FROM registration_order WHERE schedule_id = ${booked}`)).toEqual([
      { status: 'cancelled' },
    ])
    expect(
      await world.rows(`SELECT 1 FROM system_config WHERE scope_type = 'DOCTOR' AND scope_id = ${doctorId}`),
    ).toEqual([])
  })

  it('head a department if their title allows it, two of them at most, also when three are set at once', async () => {
    const { deptId } = await department(world)
    const assistant = await doctor(world, deptId)
    const select = (doctor_id: number) => ask('POST', `/departments/${deptId}/heads/select`, { doctor_id })
    expect(await select(assistant.doctorId)).toMatchObject(refusedWith(99, '主任'))
    const chiefs = [1, 2, 3].map(() => doctor(world, deptId, { title: '主任医师' }))
    const answers = await Promise.all((await Promise.all(chiefs)).map(({ doctorId }) => select(doctorId)))
    expect(answers.filter(({ code }) => code === 0)).toHaveLength(2)
    expect(answers.find(({ code }) => code !== 0)).toMatchObject(refusedWith(99, '最多 2 名科室长'))
  })

  it('are transferred, and no longer head the old department', async () => {
    const [from, to] = [await department(world), await department(world)]
    const { doctorId } = await doctor(world, from.deptId, { isHead: true, title: '主任医师' })
    const moved = await ask('PUT', `/doctors/${doctorId}/transfer`, { new_dept_id: to.deptId })
    expect(moved.message).toMatchObject({ doctor_id: doctorId, old_dept_id: from.deptId, new_dept_id: to.deptId })
    expect((await world.call('GET', `/patient/doctors/${doctorId}`)).body.message).toMatchObject({
      department_id: to.deptId,
      is_department_head: false,
    })
  })

  it('lose their schedules ahead when they are transferred, but not within a department; open orders need force', async () => {
    const [from, to] = [await department(world), await department(world)]
    const { doctorId } = await doctor(world, from.deptId)
    const booked = await schedule(world, { of: from, doctorId })
    await schedule(world, { of: from, doctorId, day: 4 })
    const person = await patient(world)
    const payload = { scheduleId: booked, patientId: person.patientId }
    const order = (await world.call('POST', '/patient/appointments', { as: person, payload })).body.message.id
    await world.call('POST', `/patient/appointments/${order}/pay`, { as: person, payload: { method: 'bank' } })
    const transfer = (new_dept_id: number, query = '') =>
      ask('PUT', `/doctors/${doctorId}/transfer${query}`, { new_dept_id })
    const ahead = () =>
      world.rows(`SELECT FROM schedule WHERE doctor_id = ${doctorId} AND status = '正常' AND deleted_at IS NULL`)
    expect(await transfer(from.deptId, '?force=true')).toMatchObject({ code: 0 })
    expect(await ahead()).toHaveLength(2)
    expect(await transfer(to.deptId)).toMatchObject(refusedWith(99, '1 个排班'))
    expect(await ahead()).toHaveLength(2)
    expect(await transfer(to.deptId, '?force=true')).toMatchObject({ code: 0 })
    expect(await ahead()).toEqual([])
    expect((await world.call('GET', `/patient/appointments/${order}`, { as: person })).body.message).toMatchObject({
      status: 'cancelled',
      paymentStatus: 'refunded',
    })
    expect((await world.inbox(person)).at(-1)?.type).toBe('clinic.order.stopped')
    expect(await world.verify()).toEqual([])
  })

  it('get an account later, and changing it ends its sessions', async () => {
    const { deptId } = await department(world)
    const { doctor_id: id } = (await ask('POST', '/doctors', { dept_id: deptId, name: '赵六' })).message
    const create = (identifier: string) =>
      ask('POST', `/doctors/${id}/create-account`, { identifier, password: 'Str0ng-enough-2026' })
    const { user_id } = (await create('doc2001')).message
    expect((await create('doc2002')).message).toMatchObject({ user_id, doctor_id: id })
    expect(await world.rows(`SELECT username FROM users WHERE id = ${user_id}`)).toEqual([{ username: 'doc2002' }])
  })

  it('have no photo until one is uploaded', async () => {
    const { deptId } = await department(world)
    const { doctorId } = await doctor(world, deptId)
    expect(await ask('GET', `/admin/doctors/${doctorId}/photo`)).toMatchObject(refusedWith(106, '医生照片文件不存在'))
    expect((await world.call('GET', '/static/image/..%2f..%2fetc%2fpasswd')).body).toMatchObject({ code: 106 })
  })
})

describe('A schedule', () => {
  it('is not added or moved into an approved leave of its doctor', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    await world.rows(`INSERT INTO leave_audit (doctor_id, leave_start_date, leave_end_date, shift, reason, submit_time, status)
      VALUES (${doctorId}, '2026-03-10', '2026-03-11', 'morning', '休假', now(), 'approved')`)
    const add = (schedule_date: string, time_section: string) =>
      ask('POST', '/admin/schedules', {
        doctor_id: doctorId,
        clinic_id: of.clinicId,
        schedule_date,
        time_section,
        slot_type: '普通',
        total_slots: 5,
      })
    for (const date of ['2026-03-10', '2026-03-11'])
      expect(await add(date, '上午')).toMatchObject(refusedWith(99, '请假'))
    expect(await add('2026-03-09', '上午')).toMatchObject({ code: 0 })
    expect(await add('2026-03-12', '上午')).toMatchObject({ code: 0 })
    const { schedule_id } = (await add('2026-03-10', '下午')).message
    expect(await ask('PUT', `/admin/schedules/${schedule_id}`, { time_section: '上午' })).toMatchObject(
      refusedWith(99, '请假'),
    )
  })
})

describe('Searching', () => {
  it('finds departments and doctors by name, specialty and pinyin initials', async () => {
    const { major_dept_id } = (await ask('GET', '/admin/major-departments')).message.departments[0]
    const { minor_dept_id } = (await ask('POST', '/minor-departments', { major_dept_id, name: '呼吸内科' })).message
    await ask('POST', '/doctors', { dept_id: minor_dept_id, name: '欧阳锋', specialty: '哮喘、慢阻肺' })
    const find = async (keyword: string) =>
      (await world.call('GET', `/patient/search/global?keyword=${encodeURIComponent(keyword)}`)).body.message
    for (const keyword of ['呼吸', 'hxnk', 'HXN'])
      expect(await find(keyword)).toMatchObject({ total: 1, results: [{ type: 'department', name: '呼吸内科' }] })
    for (const keyword of ['欧阳', 'oyf', '哮喘'])
      expect(await find(keyword)).toMatchObject({ doctor_count: 1, results: [{ type: 'doctor', name: '欧阳锋' }] })
    expect(await find('%')).toMatchObject({ total: 0 })
  })
})

describe('The prices of the hospital', () => {
  it('are the built-in ones until they are set, and at least one must be given', async () => {
    const price = (normal: number, expert: number, special: number) => ({
      default_price_normal: normal,
      default_price_expert: expert,
      default_price_special: special,
    })
    expect((await ask('GET', '/admin/global-prices')).message).toEqual(price(50, 100, 500))
    expect(await ask('PUT', '/admin/global-prices')).toMatchObject(refusedWith(99, '至少提供一个价格'))
    const set = await ask('PUT', '/admin/global-prices?default_price_normal=60.5&default_price_expert=120')
    expect(set).toEqual({ code: 0, message: { detail: '全局价格配置更新成功' } })
    expect((await ask('GET', '/global-prices')).message).toEqual(price(60.5, 120, 500))
  })
})

describe('The configuration', () => {
  it('has the values of the document at first, and changes only what is given', async () => {
    const { message } = await ask('GET', '/config')
    expect(message.registration).toMatchObject({ advanceBookingDays: 14, cancelHoursBefore: 24, releaseTime: '00:00' })
    expect(message.schedule).toMatchObject({ afternoonStart: '14:00', consultationDuration: 15 })
    const change = { registration: { noShowLimit: 5 }, schedule: { morningStart: '07:30' } }
    expect(await ask('PUT', '/config', change)).toEqual({ code: 0, message: { detail: '配置更新成功' } })
    const after = (await ask('GET', '/admin/config')).message
    expect(after.registration).toEqual({ ...message.registration, noShowLimit: 5 })
    expect(after.schedule).toEqual({ ...message.schedule, morningStart: '07:30' })
  })

  it.each([
    [{ registration: { advanceBookingDays: 91 } }, '1-90'],
    [{ registration: { noShowLimit: 0 } }, '1-10'],
    [{ registration: { noShowLimit: 2.5 } }, '1-10'],
    [{ schedule: { intervalTime: 31 } }, '0-30'],
    [{ schedule: { morningStart: '8:00' } }, 'HH:mm'],
    [{ schedule: { morningStart: '12:00', morningEnd: '12:00' } }, '上午班开始时间必须小于结束时间'],
    [{ schedule: { morningEnd: '14:30' } }, '上午班结束时间不能晚于下午班开始时间'],
    [{ registration: { nonsense: 1 } }, 'registration.nonsense'],
    [{ nonsense: {} }, 'nonsense'],
    [{ patientIdentityDiscounts: { 学生: 1.1 } }, '学生'],
  ])('refuses %j and changes nothing', async (change, msg) => {
    const before = await ask('GET', '/config')
    expect(await ask('PUT', '/config', change)).toMatchObject(refusedWith(99, msg))
    expect(await ask('GET', '/config')).toEqual(before)
  })

  it('keeps the factors of identities under their Chinese names', async () => {
    expect(await ask('PUT', '/admin/patient-identity-discounts', { student: 0.5, 校外: 0.9 })).toMatchObject({
      code: 0,
    })
    expect((await ask('GET', '/admin/patient-identity-discounts')).message).toEqual({
      学生: 0.5,
      教师: 0.8,
      职工: 0.8,
      校外: 0.9,
    })
  })
})
