import { describe, expect, it } from 'vitest'
import { at, room } from '../../../../test/support/room.ts'
import {
  anna,
  ben,
  book,
  cancel,
  cleo,
  dora,
  ids,
  leave,
  noted,
  openBookings,
  participants,
  refused,
  request,
  row,
  told,
  world,
} from '../../../../test/support/roomBookings.ts'
import type { Person } from '../../../../test/support/world.ts'

openBookings()

describe('Withdrawing from a booking', () => {
  it('is possible while three people remain, but not for the applicant; the others are notified', async () => {
    const id = await book(request(await room(world), { userIdList: ids(anna, ben, cleo, dora) }))
    expect((await leave(id, dora)).body).toEqual({ code: 200, msg: '操作成功' })
    expect(await participants(id)).toHaveLength(3)
    expect(await told(anna, id)).toEqual(['pending', 'left'])
    expect(await leave(id, cleo)).toMatchObject(refused(/少于 3 人/))
    expect(await leave(id, dora)).toMatchObject({ body: { code: 404 } })
    expect(await leave(id, anna)).toMatchObject({ body: { code: 409, msg: '申请人不能退出，请取消预约' } })
    await cancel(id)
    expect(await leave(id, ben)).toMatchObject({ body: { code: 409 } })
  })
})

describe('The deletion of an account', () => {
  const remove = async (person: Person) => {
    const admin = await world.person('admin')
    expect((await world.call('DELETE', `/api/admin/users/${person.id}`, { as: admin })).status).toBeLessThan(300)
  }

  it('cancels the future bookings of the person, and bookings of others that are left with fewer than three people', async () => {
    const roomId = await room(world)
    const own = await book(request(roomId))
    const four = {
      userIdList: ids(anna, ben, cleo, dora),
      startTime: at(world, 2, '09:00'),
      endTime: at(world, 2, '10:00'),
    }
    const joined = await book(request(roomId, four), ben)
    const three = { userIdList: ids(anna, ben, cleo), startTime: at(world, 3, '09:00'), endTime: at(world, 3, '10:00') }
    const tight = await book(request(roomId, three), ben)
    await remove(anna)
    expect(await row(own)).toMatchObject({ status: '3', cancel_reason: '申请人账号已注销' })
    expect(await row(joined)).toMatchObject({ status: '0' })
    expect(await participants(joined)).toHaveLength(3)
    expect(await told(dora, joined)).toEqual(['pending', 'left'])
    expect(await row(tight)).toMatchObject({ status: '3', cancel_reason: '使用人账号已注销，使用人不足 3 人' })
    expect(await told(cleo, tight)).toEqual(['pending', 'cancelled_by_staff'])
    const cancelled = (reason: string) => ({ status: ['0', '3'], cancelReason: [null, reason] })
    expect(await noted(own)).toContainEqual(['room.booking.cancel', null, cancelled('申请人账号已注销')])
    expect(await noted(joined)).toContainEqual(['room.booking.leave', null, { userId: [anna.id, null] }])
    expect(await noted(tight)).toContainEqual([
      'room.booking.cancel',
      null,
      cancelled('使用人账号已注销，使用人不足 3 人'),
    ])
  })
})
