import { book, call, keyed } from '../client.ts'
import type { Person } from '../site.ts'
import type { Journal } from './ask.ts'
import { oneOf, type Step } from './lives.ts'

export interface Slot {
  readonly id: number
  readonly venue: number
}

/** Number of reservations that one person wants at the same time: fewer than there are slots. */
const WANTED = 3

/**
 * A person who books, cancels, and joins waiting lists of full slots. Persistent people send an Idempotency-Key with
 * requests that create something, and repeat requests without an answer; the others read the state afterwards.
 */
export function visitor(journal: Journal, person: Person, slots: readonly Slot[], persistent: boolean): Step {
  const { id: by, token } = person
  const made = ({ body }: { readonly body: { readonly id: number } }) => body.id
  let held: { readonly id: number; readonly slot: number }[] = []
  let entry: { readonly id: number; readonly slot: number } | undefined
  let inDoubt = false

  const lookUp = async () => {
    const mine = await journal.look((url) =>
      call(url, 'GET', '/api/v1/reservations?status=confirmed&page_size=100', { token }),
    )
    held = mine.body.items.map((item: { id: number; time_slot_id: number }) => ({
      id: item.id,
      slot: item.time_slot_id,
    }))
    const [line] = (await waiting()).body.items
    entry = line && { id: line.id, slot: line.time_slot_id }
    inDoubt = false
  }
  const waiting = () => journal.look((url) => call(url, 'GET', '/api/v1/users/me/waiting-list', { token }))

  const tryToBook = async () => {
    const free = slots.filter(({ id }) => !held.some(({ slot }) => slot === id))
    const slot = oneOf(free)
    const headers = keyed(persistent)
    const { request, answer } = await journal.ask(
      { action: 'book', by, target: slot.id },
      (url) => book(url, person, slot.id, headers),
      { again: persistent, made },
    )
    if (request.made !== undefined) held.push({ id: request.made, slot: slot.id })
    else if (request.outcome === 'unknown' || answer?.body.code === 'own_overlap') inDoubt = true
    else if (answer?.body.code === 'slot_full' && !entry && Math.random() < 0.5) await join(slot)
  }

  const join = async (slot: Slot) => {
    const headers = keyed(persistent)
    const { request } = await journal.ask(
      { action: 'join', by, target: slot.id },
      (url) =>
        call(url, 'POST', `/api/v1/venues/${slot.venue}/reservation-time-slots/${slot.id}/waiting-list`, {
          token,
          body: {},
          headers,
        }),
      { again: persistent, made },
    )
    if (request.made !== undefined) entry = { id: request.made, slot: slot.id }
    else if (request.outcome === 'unknown') inDoubt = true
  }

  const cancel = async (reservation: { readonly id: number }) => {
    const { request } = await journal.ask(
      { action: 'cancel', by, target: reservation.id },
      (url) => call(url, 'DELETE', `/api/v1/reservations/${reservation.id}`, { token }),
      { again: persistent, done: ({ body }) => body.state === 'cancelled' },
    )
    // A refusal is fine: a closure may have ended the reservation.
    if (request.outcome === 'unknown') inDoubt = true
    held = held.filter(({ id }) => id !== reservation.id)
  }

  const stayInLine = async ({ id, slot }: { readonly id: number; readonly slot: number }) => {
    const [line] = (await waiting()).body.items
    if (!line || line.id !== id) inDoubt = true
    else if (line.state === 'offered') {
      const headers = keyed(persistent)
      const { request } = await journal.ask(
        { action: 'claim', by, target: id, place: slot },
        (url) => call(url, 'POST', `/api/v1/waiting-list/${id}/claim`, { token, headers }),
        { again: persistent, made },
      )
      if (request.made !== undefined) held.push({ id: request.made, slot })
      inDoubt = request.made === undefined
      entry = undefined
    } else if (Math.random() < 0.2) {
      const { request } = await journal.ask(
        { action: 'leave', by, target: id },
        (url) => call(url, 'DELETE', `/api/v1/waiting-list/${id}`, { token }),
        { again: persistent, done: ({ body }) => body.state === 'left' },
      )
      inDoubt = request.outcome !== 'done'
      entry = undefined
    }
  }

  return async () => {
    if (inDoubt) await lookUp()
    if (entry) await stayInLine(entry)
    const [oldest] = held
    if (oldest && (held.length >= WANTED || Math.random() < 0.4)) await cancel(oldest)
    else await tryToBook()
  }
}
