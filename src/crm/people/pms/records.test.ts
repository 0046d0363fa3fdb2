import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPms, type PmsWorld } from '../../../../test/support/crmPms.ts'

let world: PmsWorld

beforeAll(async () => {
  world = await openPms()
})
afterAll(() => world.close())

const post = async (path: string, payload: unknown) => await world.call('POST', path, { as: world.admin, payload })

const ordersOf = (id: number) =>
  world.rows<{ order_number: string; amount: string; room_type: string | null; nights: number | null }>(
    `SELECT order_number, amount::text, room_type, nights FROM consumption_records WHERE member_id = ${id} ORDER BY id`,
  )

describe('A synchronisation of consumption records', () => {
  it('writes the records of known guests exactly, and changes known ones instead of doubling them', async () => {
    const id = await world.newMember({ phone: '0922000001' })
    world.pms.members.push({ id: 8001, phone: '0922000001' })
    await world.sync('members')
    world.pms.records.push(
      { member_id: 8001, order_number: 'R-1', amount: 18000.1, room_type: '商務房', nights: 2 },
      {
        member_id: '8001',
        order_number: 'R-2',
        amount: '99999999.99',
        check_in_date: '2026-02-27',
        check_out_date: '2026-03-01',
      },
      { phone: '0922-000-001', order_number: 'R-3', amount: '-0.50', created_at: '2026-03-01 23:59:00' },
      { member_id: 8001, order_number: 'R-1', amount: 18000.2, room_type: '豪華房' },
    )
    expect(await world.sync('consumption_records')).toMatchObject({ synced_count: 4, failed_count: 0 })
    expect(await ordersOf(id)).toEqual(
      expect.arrayContaining([
        { order_number: 'R-1', amount: '18000.20', room_type: '豪華房', nights: null },
        { order_number: 'R-2', amount: '99999999.99', room_type: null, nights: null },
        { order_number: 'R-3', amount: '-0.50', room_type: null, nights: null },
      ]),
    )
    world.pms.records.push({ member_id: 8001, order_number: 'R-2', amount: '1.00' })
    await world.sync('consumption_records')
    expect(await ordersOf(id)).toHaveLength(3)
    expect(
      await world.rows(`SELECT amount::text, source, created_at, synced_at FROM consumption_records
        WHERE order_number IN ('R-2', 'R-3') ORDER BY order_number`),
    ).toEqual([
      { amount: '1.00', source: 'pms', created_at: world.clock.now(), synced_at: world.clock.now() },
      { amount: '-0.50', source: 'pms', created_at: new Date('2026-03-01T15:59:00Z'), synced_at: world.clock.now() },
    ])
  })

  it('refuses amounts, dates and numbers that are none', async () => {
    const base = { member_id: 8001, order_number: 'R-9', amount: 1 }
    world.pms.records.push(
      { ...base, amount: 1.005 },
      { ...base, amount: '1e3' },
      { ...base, amount: 100_000_000 },
      { ...base, amount: null },
      { ...base, amount: 'NaN' },
      { ...base, amount: Number.MAX_VALUE },
      { ...base, order_number: null },
      { ...base, order_number: 'x'.repeat(51) },
      { ...base, check_in_date: '2026-03-02', check_out_date: '2026-03-01' },
      { ...base, nights: -1 },
      { ...base, nights: 3651 },
      { ...base, nights: 1.5 },
      { ...base, created_at: new Date(world.clock.now().getTime() + 86_400_001).toISOString() },
      { ...base, created_at: '10000-01-01T00:00:00Z' },
      { ...base, room_type: {} },
    )
    expect(await world.sync('consumption_records')).toMatchObject({
      status: 'completed',
      synced_count: 0,
      failed_count: 15,
    })
    expect(await world.rows(`SELECT 1 FROM consumption_records WHERE order_number = 'R-9'`)).toEqual([])
  })

  it('keeps the orders of unknown guests until the guest has a member', async () => {
    world.pms.records.push(
      { member_id: 8002, order_number: 'W-1', amount: 100, phone: '0922000002', last_name: '等' },
      { member_id: 8002, order_number: 'W-2', amount: 200, phone: '0922000002' },
    )
    expect(await world.sync('consumption_records')).toMatchObject({ synced_count: 0, failed_count: 2 })
    const { items } = await world.reviews('&sync_type=consumption_records')
    expect(items.map((one: { order: { order_number: string } }) => one.order.order_number)).toEqual(['W-1', 'W-2'])
    expect(items[0]).toMatchObject({
      reason: 'unmatched',
      order: { amount: 100 },
      guest: { id: '8002', last_name: '等' },
    })
    const id = await world.newMember({ phone: '0922000002' })
    world.pms.members.push({ id: 8002, phone: '0922000002' })
    await world.sync('members')
    expect((await ordersOf(id)).map(({ amount }) => amount)).toEqual(['100.00', '200.00'])
    expect((await world.reviews('&sync_type=consumption_records')).total).toBe(0)
  })

  it('keeps an order that contradicts its guest’s member, whatever else comes of the guest', async () => {
    const id = await world.newMember({ phone: '0922000005', id_number: 'I100000005' })
    world.pms.members.push({ id: 8005, phone: '0922000005' })
    await world.sync('members')
    world.pms.records.push({ member_id: 8005, id_number: 'I999999905', order_number: 'X-1', amount: 1 })
    expect(await world.sync('consumption_records')).toMatchObject({ synced_count: 0, failed_count: 1 })
    world.pms.members.push({ id: 8005, phone: '0922000005', gender: 'male' })
    await world.sync('members')
    world.pms.records.push({ member_id: 8005, order_number: 'X-2', amount: 2 })
    await world.sync('consumption_records')
    expect((await ordersOf(id)).map(({ order_number }) => order_number)).toEqual(['X-2'])
    const { items, total } = await world.reviews('&sync_type=consumption_records')
    expect([total, items[0].order.order_number]).toEqual([1, 'X-1'])
    // The PMS corrected the order: it is settled by its number, though it names the guest in another way.
    world.pms.records.push({ phone: '0922000005', order_number: 'X-1', amount: 3 })
    expect(await world.sync('consumption_records')).toMatchObject({ synced_count: 1, failed_count: 0 })
    expect((await world.reviews('&sync_type=consumption_records')).total).toBe(0)
    expect(await ordersOf(id)).toMatchObject([{ amount: '2.00' }, { order_number: 'X-1', amount: '3.00' }])
  })

  it('leaves an order that another member has for review', async () => {
    const other = await world.newMember({ phone: '0922000003' })
    world.pms.records.push({ phone: '0922000003', order_number: 'R-1', amount: 5 })
    expect(await world.sync('consumption_records')).toMatchObject({ synced_count: 0, failed_count: 1 })
    const [review] = (await world.reviews('&sync_type=consumption_records')).items
    expect(review).toMatchObject({ reason: 'contradiction', order: { order_number: 'R-1', amount: 5 } })
    expect(review.candidates.map(({ id }: { id: number }) => id)).toContain(other)
    expect(await world.rows(`SELECT amount::text FROM consumption_records WHERE order_number = 'R-1'`)).toEqual([
      { amount: '18000.20' },
    ])
    // A later order of the guest settles nothing of it by itself.
    world.pms.records.push({ phone: '0922000003', order_number: 'R-4', amount: 6 })
    await world.sync('consumption_records')
    expect((await world.reviews('&sync_type=consumption_records')).total).toBe(1)
    await post(`/api/v1/pms/reviews/${review.id}/decide`, { action: 'link', member_id: other })
    expect(
      await world.rows(`SELECT member_id, amount::text FROM consumption_records WHERE order_number = 'R-1'`),
    ).toEqual([{ member_id: other, amount: '5.00' }])
  })
})
