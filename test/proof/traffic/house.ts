import { setTimeout as pause } from 'node:timers/promises'
import { call, keyed } from '../client.ts'
import type { Person } from '../site.ts'
import type { Journal } from './ask.ts'
import { oneOf, type Step } from './lives.ts'

const CLOSED_MS = 300
const LONG_MS = 10 * 24 * 3_600_000

/** A person who closes a venue, which displaces all its reservations, and opens it again. */
export function caretaker(journal: Journal, { id: by, token }: Person, venues: readonly number[]): Step {
  const set = (venue: number, action: 'close' | 'open') => {
    const body =
      action === 'open'
        ? { status: 'open' }
        : { status: 'closed', until: new Date(Date.now() + LONG_MS).toISOString(), reason: '更换地板' }
    return journal.ask(
      { action, by, target: venue },
      (url) => call(url, 'PATCH', `/api/v1/venues/${venue}/status`, { token, body }),
      { again: true },
    )
  }
  return async () => {
    const venue = oneOf(venues)
    await set(venue, 'close')
    await pause(CLOSED_MS)
    await set(venue, 'open')
  }
}

/** A person who sends broadcasts to all employees, each with its number as the subject. */
export function announcer(journal: Journal, { id: by, token }: Person): Step {
  let number = 0
  return async () => {
    number += 1
    const target = number
    const headers = keyed(true)
    const body = {
      type: 'notice.direct',
      data: { subject: String(target), body: '本周末照常开放。' },
      channels: ['email'],
      condition: { kind: 'role', in: ['venue:employee'] },
    }
    await journal.ask(
      { action: 'broadcast', by, target },
      (url) => call(url, 'POST', '/api/v1/broadcasts', { token, body, headers }),
      { again: true },
    )
  }
}
