import { describe, expect, it } from 'vitest'
import { at, room, setting } from '../../../test/support/room.ts'
import {
  anna,
  ban,
  ben,
  book,
  cleo,
  noted,
  openBookings,
  request,
  row,
  told,
  world,
} from '../../../test/support/roomBookings.ts'
import { settleBookings } from './settling.ts'

openBookings()

describe('Settling bookings', () => {
  const settle = () => settleBookings(world.kernel)

  it('starts and completes approved bookings, and notifies their participants each time', async () => {
    await setting(world, { audit_required: false })
    const id = await book(request(await room(world)))
    await settle()
    expect(await row(id)).toMatchObject({ status: '1' })
    world.clock.set(new Date('2026-03-03T01:00:00Z'))
    await settle()
    expect(await row(id)).toMatchObject({ status: '4' })
    world.clock.set(new Date('2026-03-03T04:00:00Z'))
    await settle()
    await settle()
    expect(await row(id)).toMatchObject({ status: '5', end_time: new Date('2026-03-03T04:00:00Z') })
    expect(await told(ben, id)).toEqual(['approved', 'started', 'completed'])
  })

  it('completes bookings that ended before it ran, and rejects bookings that were not decided in time', async () => {
    const roomId = await room(world)
    const undecided = await book(request(roomId))
    await setting(world, { audit_required: false })
    const late = await book(request(roomId, { startTime: at(world, 1, '13:00'), endTime: at(world, 1, '14:00') }))
    world.clock.set(new Date('2026-03-05T00:00:00Z'))
    await settle()
    expect(await row(late)).toMatchObject({ status: '5' })
    expect(await row(undecided)).toMatchObject({ status: '2', reject_reason: '超时未审核' })
    expect(await told(cleo, undecided)).toEqual(['pending', 'rejected'])
    expect((await world.inbox(cleo)).some(({ body }) => body.includes('超时未审核'))).toBe(true)
  })

  it('settles more than one batch', async () => {
    const roomId = await room(world)
    await world.rows(`INSERT INTO tb_facility_booking (room_id, applicant_id, purpose, start_time, end_time, status, create_time)
      SELECT ${roomId}, ${anna.id}, 'x', t, t + interval '5 minutes', '1', t
      FROM generate_series('2026-02-01T00:00:00Z'::timestamptz, '2026-02-02T19:00:00Z', '5 minutes') t`)
    await settle()
    expect(
      await world.rows(`SELECT status, count(*) FROM tb_facility_booking WHERE room_id = ${roomId} GROUP BY status`),
    ).toEqual([{ status: '5', count: 517 }])
  })

  it('cancels the future bookings of a banned applicant if the ban says so', async () => {
    const id = await book(request(await room(world)))
    await ban(anna, null, 'true')
    await settle()
    expect(await row(id)).toMatchObject({ status: '3', cancel_reason: '申请人被封禁：多次违约' })
    const changes = { status: ['0', '3'], cancelReason: [null, '申请人被封禁：多次违约'] }
    expect(await noted(id)).toContainEqual(['room.booking.cancel', null, changes])
    expect(await told(ben, id)).toEqual(['pending', 'cancelled_by_staff'])
  })
})
