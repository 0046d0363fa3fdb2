import { afterAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin, patient, schedule } from '../../../../test/support/clinic.ts'
import { foundWhenBroken, openWorld } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

const of = await department(world)
const { doctorId } = await doctor(world, of.deptId)
const admin = await hospitalAdmin(world)

/** An order for a schedule, paid unless the options say otherwise. */
async function order(scheduleId: number, { pays = true } = {}): Promise<number> {
  const person = await patient(world)
  const payload = { scheduleId, patientId: person.patientId }
  const { id } = (await world.call('POST', '/patient/appointments', { as: person, payload })).body.message
  if (pays) await world.call('POST', `/patient/appointments/${id}/pay`, { as: person, payload: { method: 'bank' } })
  return id
}

const scheduleId = await schedule(world, { of, doctorId })
const paid = await order(scheduleId)
const unpaid = await order(scheduleId, { pays: false })
const gone = await order(scheduleId)
await world.call('POST', `/admin/orders/${gone}/refund`, { as: admin, payload: { reason: '退号' } })

// A payment at the platform, half of it given back.
const byPlatform = await order(scheduleId, { pays: false })
await world.rows(`INSERT INTO platform_payment (order_id, out_trade_no, amount, refunded, state, transaction_id, expires_at,
    next_time, create_time, update_time)
  VALUES (${byPlatform}, 'ours', 5000, 2500, 'paid', '4200', now(), now(), now(), now())`)
await world.rows(`INSERT INTO platform_refund (payment_id, out_refund_no, amount, next_time, create_time, update_time)
  VALUES (1, 'back', 2500, now(), now(), now())`)
await world.rows(`INSERT INTO order_ledger (order_id, amount, method, reference, create_time)
  VALUES (${byPlatform}, 5000, 'wechat', 'wechat:4200', now()), (${byPlatform}, -2500, 'wechat', NULL, now())`)
await world.rows(`UPDATE registration_order SET status = 'confirmed', payment_status = 'paid', expires_at = NULL,
  paid = 5000, refunded = 2500 WHERE order_id = ${byPlatform}`)
await world.rows(`UPDATE schedule SET revenue = revenue + 2500 WHERE schedule_id = ${scheduleId}`)

// Decided requests.
const added = await order(scheduleId)
await world.rows(`UPDATE registration_order SET source_type = 'add_slot' WHERE order_id = ${added}`)
await world.rows(`INSERT INTO add_slot_audit (schedule_id, doctor_id, patient_id, slot_type, applicant_id, submit_time,
    status, audit_time, order_id)
  SELECT ${scheduleId}, ${doctorId}, patient_id, '普通', ${admin.id}, now(), 'approved', now(), order_id
  FROM registration_order WHERE order_id = ${added}`)
await world.rows(`INSERT INTO leave_audit (doctor_id, leave_start_date, leave_end_date, shift, reason, submit_time, status,
    audit_time)
  VALUES (${doctorId}, '2026-03-05', '2026-03-05', 'afternoon', '会议', now(), 'approved', now())`)

const ledgerTrigger = (how: 'DISABLE' | 'ENABLE') => `ALTER TABLE order_ledger ${how} TRIGGER order_ledger_kept`
const set = (table: string, change: string, where: string) => `UPDATE ${table} SET ${change} WHERE ${where}`
const onOrder = (id: number, change: string) => set('registration_order', change, `order_id = ${id}`)

describe('verify of the clinic', () => {
  it('reports nothing about intact data', async () => {
    expect(await world.verify()).toEqual([])
  })

  it.each([
    ['number of the visit', onOrder(paid, 'queue_no = 99'), onOrder(paid, 'queue_no = 1')],
    ['place of the visit', onOrder(paid, 'slot_date = slot_date + 1'), onOrder(paid, 'slot_date = slot_date - 1')],
    ['state of the payment', onOrder(paid, `payment_status = 'paying'`), onOrder(paid, `payment_status = 'paid'`)],
    ['state of the payment', onOrder(paid, `payment_status = 'refunded'`), onOrder(paid, `payment_status = 'paid'`)],
    ['state of the payment', onOrder(unpaid, `payment_status = 'paid'`), onOrder(unpaid, `payment_status = 'pending'`)],
    ['state of the payment', onOrder(gone, `payment_status = 'paid'`), onOrder(gone, `payment_status = 'refunded'`)],
    ['payment of an order that counts', onOrder(paid, 'price = 5001'), onOrder(paid, 'price = 5000')],
    [
      'platform payment in the ledger',
      set('platform_payment', `transaction_id = '4201'`, 'payment_id = 1'),
      set('platform_payment', `transaction_id = '4200'`, 'payment_id = 1'),
    ],
    [
      'platform payment of the ledger',
      set('platform_payment', `transaction_id = '4201'`, 'payment_id = 1'),
      set('platform_payment', `transaction_id = '4200'`, 'payment_id = 1'),
    ],
    [
      'platform payment in the ledger',
      set('platform_payment', 'amount = 5001', 'payment_id = 1'),
      set('platform_payment', 'amount = 5000', 'payment_id = 1'),
    ],
    [
      'refunds of a platform payment',
      set('platform_payment', 'refunded = 2499', 'payment_id = 1'),
      set('platform_payment', 'refunded = 2500', 'payment_id = 1'),
    ],
    [
      'refunds of a platform payment',
      set('platform_refund', 'amount = 1', 'refund_id = 1'),
      set('platform_refund', 'amount = 2500', 'refund_id = 1'),
    ],
    [
      'platform refunds in the ledger',
      `${ledgerTrigger('DISABLE')}; ${set('order_ledger', `method = 'cash'`, 'amount = -2500')}`,
      `${set('order_ledger', `method = 'wechat'`, 'amount = -2500')}; ${ledgerTrigger('ENABLE')}`,
    ],
    [
      'time of the decision',
      set('add_slot_audit', 'audit_time = NULL', 'audit_id = 1'),
      set('add_slot_audit', 'audit_time = now()', 'audit_id = 1'),
    ],
    [
      'order of an added number',
      set('add_slot_audit', 'order_id = NULL', 'audit_id = 1'),
      set('add_slot_audit', `order_id = ${added}`, 'audit_id = 1'),
    ],
    [
      'order of an added number',
      set('add_slot_audit', `order_id = ${paid}`, 'audit_id = 1'),
      set('add_slot_audit', `order_id = ${added}`, 'audit_id = 1'),
    ],
    [
      'schedule in a leave',
      set('leave_audit', `shift = 'full'`, 'audit_id = 1'),
      set('leave_audit', `shift = 'afternoon'`, 'audit_id = 1'),
    ],
    [
      'orders of a stopped schedule',
      set('schedule', `status = '停诊'`, `schedule_id = ${scheduleId}`),
      set('schedule', `status = '正常'`, `schedule_id = ${scheduleId}`),
    ],
    [
      'department',
      `INSERT INTO minor_department (major_dept_id, name, create_time) VALUES (${of.majorId}, '另一科室', now());
       UPDATE clinic SET minor_dept_id = (SELECT max(minor_dept_id) FROM minor_department) WHERE clinic_id = ${of.clinicId}`,
      set('clinic', `minor_dept_id = ${of.deptId}`, `clinic_id = ${of.clinicId}`),
    ],
  ])('names a wrong %s', async (check, breakIt, mendIt) => {
    const found = await foundWhenBroken(world, breakIt, mendIt)
    expect(found.map((one) => one.split(': ')[0])).toContain(check)
    expect(await world.verify()).toEqual([])
  })
})
