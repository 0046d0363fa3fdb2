import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import {
  department,
  doctor,
  hospitalAdmin,
  type PatientPerson,
  patient,
  schedule,
} from '../../../../test/support/clinic.ts'
import { type FakeNotification, openFakeWeChatPay } from '../../../../test/support/fakes/weChatPay.ts'
import { MONDAY, openWorld } from '../../../../test/support/world.ts'
import { DESK_ROLE } from '../../permissions.ts'

const weChat = await openFakeWeChatPay()
const world = await openWorld({ PRODUCTS: 'clinic', PUBLIC_URL: 'https://clinic.example.edu', ...weChat.env })
weChat.clock = world.clock
const clerk = await world.person(DESK_ROLE)
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  expect(weChat.unsigned).toBe(0)
  await world.close()
  await weChat.close()
})

beforeEach(() => {
  world.clock.set(MONDAY)
  weChat.faults.length = 0
  weChat.asked.length = 0
  weChat.refundState = 'SUCCESS'
  weChat.beforeClose = () => {}
})

const register = async (person: PatientPerson, scheduleId: number): Promise<number> => {
  const payload = { scheduleId, patientId: person.patientId }
  return (await world.call('POST', '/patient/appointments', { as: person, payload })).body.message.id
}
const pay = async (person: PatientPerson, id: number) =>
  (await world.call('POST', `/patient/appointments/${id}/pay`, { as: person, payload: { method: 'wechat' } })).body
const deliver = async ({ headers, body }: FakeNotification) =>
  await world.call('POST', '/common/wechat-pay/notify', { headers, payload: Buffer.from(body) })
const run = (job: string) => world.system.jobs.runNow(job)
/** Moves the clock, and runs what is due then. */
const wait = async (minutes: number) => {
  world.clock.advance(minutes)
  for (const job of ['clinic.payments', 'clinic.orders', 'clinic.refunds']) await run(job)
}
const desk = async (id: number, what: string, payload: object) =>
  (await world.call('POST', `/admin/orders/${id}/${what}`, { as: clerk, payload })).body

/** An order with a code to pay it. */
async function begun(options: Parameters<typeof schedule>[1] = {}) {
  const scheduleId = await schedule(world, options)
  const person = await patient(world)
  const id = await register(person, scheduleId)
  const { codeUrl } = (await pay(person, id)).message
  const number = [...weChat.payments.values()].find(({ code }) => code === codeUrl)?.number ?? ''
  return { id, person, scheduleId, code: String(codeUrl), number }
}

/** An order that was paid. */
async function paid(options: Parameters<typeof schedule>[1] = {}) {
  const order = await begun(options)
  weChat.pay(order.code)
  expect((await deliver(weChat.paid(order.number))).status).toBe(200)
  return order
}

interface Money {
  readonly status: string
  readonly payment: string
  readonly paid: number
  readonly refunded: number
  readonly ledger: number
  readonly charges: number
}

/** An order with its money: in the ledger, and given back at WeChat Pay. */
async function stateOf(id: number) {
  const [row] = await world.rows<Money>(`
    SELECT o.status, o.payment_status AS payment, o.paid, o.refunded,
      (SELECT coalesce(sum(amount), 0)::int FROM order_ledger l WHERE l.order_id = o.order_id) AS ledger,
      (SELECT count(*)::int FROM order_ledger l WHERE l.order_id = o.order_id AND amount > 0) AS charges
    FROM registration_order o WHERE order_id = ${id}`)
  const numbers = (
    await world.rows<{ no: string }>(`SELECT out_trade_no AS no FROM platform_payment WHERE order_id = ${id}`)
  ).map(({ no }) => no)
  const given = [...weChat.refunds.values()].filter(({ number }) => numbers.includes(number))
  if (!row) throw new Error('there is no such order')
  return { ...row, returned: given.reduce((sum, { amount }) => sum + amount, 0) }
}

const PAID = { status: 'confirmed', payment: 'paid', paid: 5000, refunded: 0, ledger: 5000, charges: 1, returned: 0 }
const RETURNED = { paid: 5000, refunded: 5000, ledger: 0, charges: 1, returned: 5000 }

const paymentOf = async (id: number) =>
  await world.rows<{ state: string; problem: string | null; amount: number }>(
    `SELECT state, problem, amount FROM platform_payment WHERE order_id = ${id} ORDER BY payment_id`,
  )

describe('The call to pay', () => {
  it('gives a code, the same at every call, and waits as paying', async () => {
    const person = await patient(world)
    const id = await register(person, await schedule(world))
    const answers = await Promise.all([pay(person, id), pay(person, id)])
    const { message } = await pay(person, id)
    expect(message).toMatchObject({ success: false, paymentStatus: 'paying', amount: 50 })
    expect(message.codeUrl).toMatch(/^weixin:/)
    expect(answers.map((one) => one.message.codeUrl)).toEqual([message.codeUrl, message.codeUrl])
    const [payment, ...others] = [...weChat.payments.values()].slice(-1)
    expect(others).toEqual([])
    expect(payment).toMatchObject({
      total: 5000,
      description: `门诊挂号 20260302${String(id).padStart(8, '0')}`,
      notifyUrl: 'https://clinic.example.edu/common/wechat-pay/notify',
      expires: '2026-03-02T08:15:00+08:00',
    })
    expect(await paymentOf(id)).toHaveLength(1)
  })

  it.each(['cut', 'forge', 500, 429] as const)('can be repeated after the fault %s', async (how) => {
    const person = await patient(world)
    const id = await register(person, await schedule(world))
    weChat.faults.push({ path: 'native', how })
    expect(await pay(person, id)).toMatchObject({ code: 99, message: { msg: expect.stringContaining('稍后再试') } })
    expect((await pay(person, id)).message.codeUrl).toMatch(/^weixin:/)
    expect(await paymentOf(id)).toHaveLength(1)
  })

  it('is refused for other people’s orders', async () => {
    const { id } = await begun()
    expect(await pay(await patient(world), id)).toMatchObject({ code: 106 })
  })
})

describe('A notification', () => {
  it('settles the order once, however often it comes', async () => {
    const order = await begun()
    weChat.pay(order.code)
    const notification = weChat.paid(order.number)
    const answers = await Promise.all([
      deliver(notification),
      deliver(notification),
      deliver(weChat.paid(order.number)),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await stateOf(order.id)).toEqual(PAID)
    expect((await pay(order.person, order.id)).message).toMatchObject({
      success: true,
      paymentStatus: 'paid',
      codeUrl: null,
    })
    const types = (await world.inbox(order.person)).map(({ type }) => type)
    expect(types.filter((type) => type === 'clinic.order.paid')).toHaveLength(1)
  })

  it.each([
    ['a signature by another key', () => ({}), () => ({ key: weChat.strangeKey })],
    ['an unknown key', () => ({}), () => ({ serial: 'PUB_KEY_ID_099' })],
    ['a time of more than five minutes ago', () => ({}), () => ({ timestamp: timestamp(-301) })],
    ['a time of more than five minutes ahead', () => ({}), () => ({ timestamp: timestamp(301) })],
    ['a content with another key', () => ({}), () => ({ apiKey: 'x'.repeat(32) })],
    ['another amount', () => ({ amount: { total: 1, payer_total: 1, currency: 'CNY' } }), () => ({})],
    ['another currency', () => ({ amount: { total: 5000, payer_total: 5000, currency: 'USD' } }), () => ({})],
    ['another merchant', () => ({ mchid: '1900000002' }), () => ({})],
    ['another app', () => ({ appid: 'wxapp2' }), () => ({})],
    ['an unknown payment', () => ({ out_trade_no: 'unknown' }), () => ({})],
    ['no number of WeChat Pay', () => ({ transaction_id: undefined }), () => ({})],
  ])('with %s is refused and changes nothing', async (_, changes, how) => {
    const order = await begun()
    weChat.pay(order.code)
    expect(await deliver(weChat.paid(order.number, changes(), how()))).toMatchObject({
      status: 400,
      body: { code: 99 },
    })
    expect(await stateOf(order.id)).toMatchObject({ status: 'pending', paid: 0, ledger: 0 })
    expect((await deliver(weChat.paid(order.number))).status).toBe(200)
  })

  it.each([-300, 300])('is taken with a time that differs by %i seconds', async (seconds) => {
    const order = await begun()
    weChat.pay(order.code)
    expect((await deliver(weChat.paid(order.number, {}, { timestamp: timestamp(seconds) }))).status).toBe(200)
  })

  it('is refused if a byte of its body was changed, or it has none', async () => {
    const order = await begun()
    weChat.pay(order.code)
    const { headers, body } = weChat.paid(order.number)
    for (const other of [body.replace('e1', 'e2'), body.replaceAll(' ', ''), '', '{}'])
      expect((await deliver({ headers, body: other })).status).toBe(400)
    expect(await stateOf(order.id)).toMatchObject({ paid: 0 })
  })

  it('of an unpaid state, or about something else, changes nothing', async () => {
    const order = await begun()
    expect((await deliver(weChat.paid(order.number, { trade_state: 'PAYERROR' }))).status).toBe(200)
    expect((await deliver(weChat.notification('PAYSCORE.USER_OPEN', {}))).status).toBe(200)
    expect(await stateOf(order.id)).toMatchObject({ status: 'pending', paid: 0 })
  })
})

const timestamp = (seconds: number) => String(Math.floor(world.clock.now().getTime() / 1000) + seconds)

describe('A payment without a notification', () => {
  it('is found by the job, which asks less and less often', async () => {
    const order = await begun()
    const asked = async (minutes: number) => {
      weChat.asked.length = 0
      await wait(minutes)
      return weChat.asked.filter((one) => one.includes(order.number)).length
    }
    world.clock.advance(29 / 60)
    expect(await asked(0)).toBe(0)
    world.clock.advance(1 / 60)
    expect([await asked(0), await asked(0.9), await asked(0.1), await asked(1), await asked(1)]).toEqual([
      1, 0, 1, 0, 1,
    ])
    weChat.pay(order.code)
    await wait(4)
    expect(await stateOf(order.id)).toEqual(PAID)
    expect(await asked(60)).toBe(0)
  })

  it('is settled after the answer was lost or forged', async () => {
    const order = await begun()
    weChat.pay(order.code)
    for (const how of ['cut', 'forge', 500] as const) {
      weChat.faults.push({ path: order.number, how })
      await wait(2)
      expect(await stateOf(order.id)).toMatchObject({ paid: 0 })
    }
    await wait(5)
    expect(await stateOf(order.id)).toEqual(PAID)
  })

  it('is settled by the next run if the process ended between the answer and the commit', async () => {
    const order = await begun()
    weChat.pay(order.code)
    await failing('platform_payment', async () => {
      world.clock.advance(1)
      await expect(run('clinic.payments')).rejects.toThrow()
    })
    expect(await stateOf(order.id)).toMatchObject({ status: 'pending', paid: 0, ledger: 0 })
    await run('clinic.payments')
    expect(await stateOf(order.id)).toEqual(PAID)
  })

  it('counts if it was paid before the order expired', async () => {
    const order = await begun()
    weChat.pay(order.code)
    world.clock.advance(15)
    await run('clinic.orders')
    expect(await stateOf(order.id)).toEqual(PAID)
  })
})

/** Makes every change of a table fail while `work` runs. */
async function failing(table: string, work: () => Promise<void>) {
  await world.rows(`CREATE OR REPLACE FUNCTION killed() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN RAISE EXCEPTION ''killed''; END'`)
  await world.rows(`CREATE TRIGGER killed BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION killed()`)
  await work()
  await world.rows(`DROP TRIGGER killed ON ${table}`)
}

describe('An order that expires', () => {
  it('closes its payment, so that nobody can pay it any more', async () => {
    const order = await begun()
    await wait(15)
    expect(await stateOf(order.id)).toMatchObject({ status: 'timeout', payment: 'failed', paid: 0 })
    expect(weChat.payments.get(order.number)?.state).toBe('CLOSED')
    expect(await paymentOf(order.id)).toMatchObject([{ state: 'closed', problem: null }])
    weChat.asked.length = 0
    await wait(60)
    expect(weChat.asked.filter((one) => one.includes(order.number))).toEqual([])
  })

  it('counts a payment that arrives while it is being closed', async () => {
    const order = await begun()
    weChat.beforeClose = ({ code }) => {
      world.clock.advance(-1)
      weChat.pay(code)
      world.clock.advance(1)
    }
    world.clock.advance(15)
    await run('clinic.orders')
    expect(await stateOf(order.id)).toEqual(PAID)
  })

  it('ends although WeChat Pay can’t be reached, and gives money back that comes later', async () => {
    const order = await begun()
    weChat.pay(order.code)
    world.clock.advance(15)
    weChat.faults.push({ path: order.number, how: 500 })
    await run('clinic.orders')
    expect(await stateOf(order.id)).toMatchObject({ status: 'timeout', paid: 0 })
    await wait(10)
    expect(await stateOf(order.id)).toEqual({ status: 'timeout', payment: 'refunded', ...RETURNED })
    expect((await world.inbox(order.person)).at(-1)).toMatchObject({
      type: 'clinic.order.payment_returned',
      body: expect.stringContaining('50.00'),
    })
    expect((await deliver(weChat.paid(order.number))).status).toBe(200)
    await wait(60)
    expect(await stateOf(order.id)).toMatchObject(RETURNED)
  })

  it('closes a payment that WeChat Pay never got, once it is old enough', async () => {
    const person = await patient(world)
    const id = await register(person, await schedule(world))
    weChat.faults.push({ path: 'native', how: 500 })
    await pay(person, id)
    await world.call('PUT', `/patient/appointments/${id}/cancel`, { as: person })
    await wait(1)
    expect(await paymentOf(id)).toMatchObject([{ state: 'closing' }])
    await wait(2)
    expect(await paymentOf(id)).toMatchObject([{ state: 'closed' }])
  })
})

describe('Money that no order needs', () => {
  it('goes back in full if the order was cancelled before', async () => {
    const order = await begun()
    weChat.pay(order.code)
    await world.call('PUT', `/patient/appointments/${order.id}/cancel`, { as: order.person })
    await deliver(weChat.paid(order.number))
    await run('clinic.refunds')
    expect(await stateOf(order.id)).toEqual({ status: 'cancelled', payment: 'refunded', ...RETURNED })
  })

  it('goes back to the second payer if the desk took the money meanwhile, and the first keeps the number', async () => {
    const order = await begun()
    weChat.pay(order.code)
    await desk(order.id, 'confirm-payment', { method: 'cash' })
    await wait(1)
    expect(await stateOf(order.id)).toEqual({ ...PAID, paid: 10_000, refunded: 5000, charges: 2, returned: 5000 })
    await desk(order.id, 'refund', { reason: '退号' })
    await wait(1)
    expect(await stateOf(order.id)).toMatchObject({ status: 'cancelled', ledger: 0, refunded: 10_000, returned: 5000 })
  })

  it('is that of the old price after a move, for which a new code is made', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const order = await begun({ of, doctorId })
    const dearer = await schedule(world, { of, doctorId, day: 4, price: 8000 })
    const moved = await world.call('PUT', `/patient/appointments/${order.id}/reschedule`, {
      as: order.person,
      payload: { scheduleId: dearer },
    })
    expect(moved.body).toMatchObject({ code: 0 })
    weChat.beforeClose = ({ code }) => weChat.pay(code)
    const { message } = await pay(order.person, order.id)
    expect(message).toMatchObject({ paymentStatus: 'paying', amount: 80 })
    expect(message.codeUrl).not.toBe(order.code)
    expect(await paymentOf(order.id)).toMatchObject([
      { state: 'paid', amount: 5000 },
      { state: 'open', amount: 8000 },
    ])
    const { number } = weChat.pay(message.codeUrl)
    await deliver(weChat.paid(number))
    await run('clinic.refunds')
    expect(await stateOf(order.id)).toEqual({
      ...PAID,
      paid: 13_000,
      refunded: 5000,
      ledger: 8000,
      charges: 2,
      returned: 5000,
    })
    const [refund] = [...weChat.refunds.values()].filter((one) => one.number === order.number)
    expect(refund?.amount).toBe(5000)
  })

  it('goes back by the payment that brought it', async () => {
    const of = await department(world)
    const { doctorId } = await doctor(world, of.deptId)
    const order = await begun({ of, doctorId })
    const move = async (scheduleId: number) =>
      await world.call('PUT', `/patient/appointments/${order.id}/reschedule`, {
        as: order.person,
        payload: { scheduleId },
      })
    await move(await schedule(world, { of, doctorId, day: 4, price: 8000 }))
    // The first payment can't be closed.
    weChat.faults.push({ path: order.number, how: 500 })
    const second = (await pay(order.person, order.id)).message.codeUrl
    await move(order.scheduleId)
    weChat.pay(order.code)
    await deliver(weChat.paid(order.number))
    const { number } = weChat.pay(second)
    await deliver(weChat.paid(number))
    await run('clinic.refunds')
    expect(await stateOf(order.id)).toMatchObject({ status: 'confirmed', paid: 13_000, refunded: 8000 })
    const given = [...weChat.refunds.values()].filter((one) => [number, order.number].includes(one.number))
    expect(given).toMatchObject([{ number, amount: 8000 }])
  })
})

describe('At once', () => {
  it('a payment and its cancellation leave nothing paid', async () => {
    const order = await begun()
    weChat.pay(order.code)
    await Promise.all([
      deliver(weChat.paid(order.number)),
      world.call('PUT', `/patient/appointments/${order.id}/cancel`, { as: order.person }),
    ])
    await run('clinic.refunds')
    expect(await stateOf(order.id)).toEqual({ status: 'cancelled', payment: 'refunded', ...RETURNED })
  })

  it('a payment and one at the desk count once', async () => {
    const order = await begun()
    weChat.pay(order.code)
    await Promise.all([
      deliver(weChat.paid(order.number)),
      desk(order.id, 'confirm-payment', { method: 'cash' }),
      run('clinic.payments'),
    ])
    await run('clinic.refunds')
    const { paid: sum, refunded, returned, ...state } = await stateOf(order.id)
    expect(state).toMatchObject({ status: 'confirmed', payment: 'paid', ledger: 5000 })
    expect([sum, refunded, returned]).toEqual(sum === 5000 ? [5000, 0, 0] : [10_000, 5000, 5000])
  })

  it('two refunds of parts give back no more than was paid', async () => {
    const order = await paid()
    const refund = () => desk(order.id, 'refund', { amount: 30, reason: '优惠' })
    const both = await Promise.all([refund(), refund()])
    expect(both.map(({ code }) => code).sort()).toEqual([0, 99])
    await Promise.all([run('clinic.refunds'), run('clinic.refunds')])
    expect(await stateOf(order.id)).toMatchObject({ paid: 5000, refunded: 3000, returned: 3000 })
  })
})

describe('A refund', () => {
  it('is sent once, also if the answer is lost or the process ends before the commit', async () => {
    const order = await paid()
    expect(await desk(order.id, 'refund', { amount: 20.5, reason: '优惠' })).toMatchObject({ code: 0 })
    weChat.faults.push({ path: 'refunds', how: 'cut' })
    await run('clinic.refunds')
    await failing('platform_refund', async () => {
      world.clock.advance(1)
      await expect(run('clinic.refunds')).rejects.toThrow()
    })
    await run('clinic.refunds')
    expect(await stateOf(order.id)).toMatchObject({ status: 'confirmed', paid: 5000, refunded: 2050, returned: 2050 })
    expect([...weChat.refunds.values()].filter(({ number }) => number === order.number)).toHaveLength(1)
    weChat.asked.length = 0
    await wait(60)
    expect(weChat.asked).toEqual([])
  })

  it('in parts gives back at most what was paid', async () => {
    const order = await paid()
    await desk(order.id, 'refund', { amount: 20, reason: '优惠' })
    expect(await desk(order.id, 'refund', { amount: 30.01, reason: '优惠' })).toMatchObject({ code: 99 })
    await desk(order.id, 'refund', { amount: 30, reason: '退号' })
    await run('clinic.refunds')
    expect(await stateOf(order.id)).toMatchObject({ status: 'cancelled', payment: 'refunded', ...RETURNED })
    await expect(
      world.rows(`UPDATE platform_payment SET refunded = 5001 WHERE out_trade_no = '${order.number}'`),
    ).rejects.toThrow('platform_payment_refunded')
  })

  it('of a stopped schedule goes to everybody who has paid', async () => {
    const first = await paid()
    const second = await patient(world)
    const id = await register(second, first.scheduleId)
    weChat.pay((await pay(second, id)).message.codeUrl)
    const payload = { status: '停诊' }
    await world.call('PUT', `/admin/schedules/${first.scheduleId}`, { as: await hospitalAdmin(world), payload })
    await wait(1)
    await wait(1)
    for (const orderId of [first.id, id])
      expect(await stateOf(orderId)).toEqual({ status: 'cancelled', payment: 'refunded', ...RETURNED })
  })

  it('is tried until there is enough money for it, and shows why it waits', async () => {
    const order = await paid()
    await desk(order.id, 'refund', { reason: '退号' })
    weChat.faults.push({ path: 'refunds', how: 403, code: 'NOT_ENOUGH' })
    await run('clinic.refunds')
    expect(await listed(order.id)).toMatchObject([{ state: 'owed', problem: expect.stringContaining('NOT_ENOUGH') }])
    await wait(1)
    expect(await listed(order.id)).toMatchObject([{ state: 'done', problem: null, amount: 50 }])
  })

  it('that takes its time is asked for, or ends by a notification', async () => {
    weChat.refundState = 'PROCESSING'
    const orders = [await paid(), await paid()]
    for (const { id } of orders) await desk(id, 'refund', { reason: '退号' })
    await run('clinic.refunds')
    const [asked, told] = orders.map((order) =>
      [...weChat.refunds.values()].find(({ number }) => number === order.number),
    )
    if (!asked || !told) throw new Error('no refunds')
    asked.state = 'SUCCESS'
    await wait(1)
    expect(await listed(orders[0]?.id)).toMatchObject([{ state: 'done' }])
    expect(await listed(orders[1]?.id)).toMatchObject([{ state: 'accepted' }])
    for (const wrong of [
      { mchid: '1' },
      { out_refund_no: 'x' },
      { out_trade_no: 'x' },
      { amount: { refund: 1, total: 5000 } },
    ])
      expect((await deliver(weChat.endRefund(told, 'SUCCESS', wrong))).status).toBe(400)
    expect(await listed(orders[1]?.id)).toMatchObject([{ state: 'accepted' }])
    const notification = weChat.endRefund(told, 'SUCCESS')
    for (let n = 0; n < 2; n += 1) expect((await deliver(notification)).status).toBe(200)
    expect(await listed(orders[1]?.id)).toMatchObject([{ state: 'done' }])
  })

  it('that WeChat Pay can’t carry out waits for the desk, which gives the money back another way', async () => {
    weChat.refundState = 'ABNORMAL'
    const order = await paid()
    await desk(order.id, 'refund', { reason: '退号' })
    await run('clinic.refunds')
    const [refund] = await listed(order.id)
    expect(refund).toMatchObject({ state: 'failed', problem: 'ABNORMAL' })
    const settle = async () =>
      (
        await world.call('POST', `/admin/orders/platform-refunds/${refund.refund_id}/settle`, {
          as: clerk,
          payload: { note: '现金退还' },
        })
      ).body
    const both = await Promise.all([settle(), settle()])
    expect(both.map(({ code }) => code).sort()).toEqual([0, 99])
    expect(await listed(order.id)).toMatchObject([{ state: 'settled', note: '现金退还' }])
    const unknown = await world.call('POST', '/admin/orders/platform-refunds/999999/settle', {
      as: clerk,
      payload: { note: 'x' },
    })
    expect(unknown.body).toMatchObject({ code: 106 })
  })
})

const listed = async (id: number | undefined) =>
  (await world.call('GET', `/admin/orders/platform-refunds?order_id=${id}`, { as: clerk })).body.message.refunds
