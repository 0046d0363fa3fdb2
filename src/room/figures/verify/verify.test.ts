import { afterAll, describe, expect, it } from 'vitest'
import { meeting, people, room } from '../../../../test/support/room.ts'
import { foundWhenBroken, openWorld } from '../../../../test/support/world.ts'

const world = await openWorld()
const roomId = await room(world, { capacity: 3 })
const [applicant, ...others] = await people(world, 4)
for (const day of [1, 2]) {
  const payload = meeting(world, roomId, others.slice(0, 2), day)
  expect((await world.call('POST', '/portal/facility/booking', { as: applicant, payload })).body.code).toBe(200)
}
afterAll(() => world.close())

const insert = (table: string, columns: string, values: string) =>
  `INSERT INTO tb_facility_${table} (${columns}, create_time) VALUES (${values}, now())`

describe('verify of the room product', () => {
  it('reports nothing about intact data', async () => {
    expect(await world.verify()).toEqual([])
  })

  it.each([
    [
      'a wrong applicant',
      'UPDATE tb_facility_booking SET applicant_id = 2 WHERE id = 1',
      'UPDATE tb_facility_booking SET applicant_id = 1 WHERE id = 1',
      ['the applicant among the participants: booking 1: 1 ≠ 2'],
    ],
    [
      'a second applicant',
      `UPDATE tb_facility_booking_user SET is_applicant = '1' WHERE booking_id = 1 AND user_id = 2`,
      `UPDATE tb_facility_booking_user SET is_applicant = '0' WHERE user_id = 2`,
      ['the applicant among the participants: booking 1: 1, 2 ≠ 1'],
    ],
    [
      'too few people',
      `UPDATE tb_facility_booking_user SET del_flag = '2' WHERE booking_id = 1 AND user_id = 2`,
      `UPDATE tb_facility_booking_user SET del_flag = '0'`,
      ['participants of bookings that stand: booking 1: 2 ≠ 3 to 3'],
    ],
    [
      'too many people',
      insert('booking_user', 'booking_id, user_id, ends_by', `1, 4, '2026-03-03 02:00:00Z'`),
      'DELETE FROM tb_facility_booking_user WHERE user_id = 4',
      ['participants of bookings that stand: booking 1: 4 ≠ 3 to 3'],
    ],
    [
      'a wrong end of a participation',
      `UPDATE tb_facility_booking_user SET ends_by = ends_by - interval '1 hour' WHERE booking_id = 2 AND user_id = 3`,
      `UPDATE tb_facility_booking_user SET ends_by = ends_by + interval '1 hour' WHERE booking_id = 2 AND user_id = 3`,
      [expect.stringMatching(/^tb_facility_booking_user.ends_by: booking 2 of user 3: /)],
    ],
    [
      'a participation that is longer than any booking',
      `UPDATE tb_facility_booking_user SET ends_by = ends_by + interval '200 hours' WHERE booking_id = 2 AND user_id = 3`,
      `UPDATE tb_facility_booking_user SET ends_by = ends_by - interval '200 hours' WHERE booking_id = 2 AND user_id = 3`,
      [expect.stringMatching(/^tb_facility_booking_user.ends_by: booking 2 of user 3: /)],
    ],
    [
      'bookings in a deleted room',
      `UPDATE tb_facility_room SET del_flag = '2'`,
      `UPDATE tb_facility_room SET del_flag = '0'`,
      [1, 2].map((id) => `bookings that stand in what was deleted: booking ${id}: 0 ≠ room 1 is deleted`),
    ],
    [
      'a booking inside a closure',
      insert(
        'closure',
        'building_id, start_time, end_time, reason',
        `1, '2026-03-03 09:30+08', '2026-03-03 12:00+08', 'x'`,
      ),
      'DELETE FROM tb_facility_closure',
      ['bookings that stand in closures: booking 1: 0 ≠ closure 1'],
    ],
    [
      'an applicant who has left',
      `UPDATE users SET status = 'deleted', deleted_at = '2026-03-02' WHERE id = 1`,
      `UPDATE users SET status = 'active', deleted_at = NULL WHERE id = 1`,
      [1, 2].map((id) => `bookings that stand of people who have left: booking ${id}: 0 ≠ user 1 has left`),
    ],
    [
      'a participant who has left',
      `UPDATE users SET status = 'deleted', deleted_at = '2026-03-02' WHERE id = 3`,
      `UPDATE users SET status = 'active', deleted_at = NULL WHERE id = 3`,
      [1, 2].map((id) => `bookings that stand of people who have left: booking ${id}: 0 ≠ user 3 has left`),
    ],
    [
      'a reason without a rejection',
      `UPDATE tb_facility_booking SET reject_reason = 'x' WHERE id = 1`,
      'UPDATE tb_facility_booking SET reject_reason = NULL',
      ['reasons of rejection and cancellation: booking 1: 0 ≠ 2'],
    ],
    [
      'a no-show before the start',
      `UPDATE tb_facility_booking SET no_show_at = '2026-03-02' WHERE id = 2`,
      'UPDATE tb_facility_booking SET no_show_at = NULL',
      ['no-shows of bookings that were not held: booking 2: 0 ≠ 5'],
    ],
    [
      'a series of two people',
      `UPDATE tb_facility_booking SET series_id = '00000000-0000-4000-8000-000000000000', applicant_id = id`,
      'UPDATE tb_facility_booking SET series_id = NULL, applicant_id = 1',
      expect.arrayContaining(['series of more than one person: series 00000000-0000-4000-8000-000000000000: 2 ≠ 1']),
    ],
    [
      'a booking that was not settled with the others',
      `UPDATE tb_facility_booking SET status = '5', update_time = end_time WHERE id = 2`,
      `UPDATE tb_facility_booking SET status = '0', update_time = NULL WHERE id = 2`,
      [expect.stringMatching(/^states that were not settled when others were: booking 1: 0 ≠ due at 2026-03-03 /)],
    ],
    [
      'missing booking rules',
      `UPDATE tb_facility_setting SET del_flag = '2'`,
      `UPDATE tb_facility_setting SET del_flag = '0'`,
      ['tb_facility_setting: rows: 0 ≠ 1'],
    ],
  ])('reports %s', async (_, breakIt, mendIt, expected) => {
    expect(await foundWhenBroken(world, breakIt, mendIt)).toEqual(expected)
    expect(await world.verify()).toEqual([])
  })
})
