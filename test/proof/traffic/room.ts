import { addDays, localDate } from '../../../src/kernel/time.ts'
import { call, keyed } from '../client.ts'
import type { Person } from '../site.ts'
import type { Journal } from './ask.ts'
import { oneOf, type Step } from './lives.ts'

const WANTED = 2
const DAYS = 5
const HOURS = 12

/** A person who books rooms with two others, and cancels. Persistent people repeat a booking without an answer. */
export function applicant(
  journal: Journal,
  { id: by, token }: Person,
  others: readonly Person[],
  rooms: readonly number[],
  persistent: boolean,
): Step {
  let held: number[] = []

  const tryToBook = async () => {
    const roomId = oneOf(rooms)
    const day = addDays(localDate(new Date(), 'Asia/Shanghai'), 2 + Math.floor(Math.random() * DAYS))
    const hour = 8 + Math.floor(Math.random() * HOURS)
    const time = (n: number) => `${day} ${String(n).padStart(2, '0')}:00:00`
    const users = others.filter(({ id }) => id !== by)
    const first = Math.floor(Math.random() * (users.length - 1))
    const body = {
      roomId,
      purpose: '会议',
      startTime: time(hour),
      endTime: time(hour + 1),
      userIdList: users.slice(first, first + 2).map(({ id }) => id),
    }
    const headers = keyed(persistent)
    const { request } = await journal.ask(
      { action: 'room.book', by, target: roomId },
      (url) => call(url, 'POST', '/portal/facility/booking', { token, body, headers }),
      { again: persistent, made: (answer) => answer.body.data.id },
    )
    if (request.made !== undefined) held.push(request.made)
  }

  /** Not repeated: the second answer would not show whether this request or the desk ended the booking. */
  const cancel = async (id: number) => {
    held = held.filter((other) => other !== id)
    await journal.ask({ action: 'room.cancel', by, target: id }, (url) =>
      call(url, 'DELETE', `/portal/facility/booking/${id}`, { token }),
    )
  }

  return async () => {
    const [oldest] = held
    if (oldest !== undefined && (held.length >= WANTED || Math.random() < 0.4)) await cancel(oldest)
    else await tryToBook()
  }
}

/** A person who approves and rejects pending bookings. */
export function approver(journal: Journal, { id: by, token }: Person): Step {
  return async () => {
    const waiting = await journal.look((url) =>
      call(url, 'GET', '/manage/facility/booking/audit/list?pageSize=5', { token }),
    )
    for (const { id } of waiting.body.rows) {
      const approve = Math.random() < 0.8
      await journal.ask({ action: approve ? 'room.approve' : 'room.reject', by, target: id }, (url) =>
        call(url, 'PUT', `/manage/facility/booking/${id}/${approve ? 'approve' : 'reject'}`, {
          token,
          ...(!approve && { body: { reason: '该时段已安排校内活动' } }),
        }),
      )
    }
  }
}
