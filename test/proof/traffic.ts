import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, book, call } from './client.ts'
import type { Person } from './site.ts'

/** A booking that its owner was told of, and what became of it as far as they know. */
export interface Acknowledged {
  readonly id: number
  readonly userId: number
  readonly slotId: number
  state: 'kept' | 'cancelled' | 'cancellation in doubt'
}

/** What the clients know when all is over. */
export interface Journal {
  readonly bookings: readonly Acknowledged[]
  /** Bookings that were sent, not answered, and not found. */
  readonly inDoubt: readonly { readonly userId: number; readonly slotId: number }[]
  /** Answers that nobody should get. */
  readonly unexpected: readonly unknown[]
  /** Requests that no answer came to. */
  readonly cut: number
  readonly full: number
}

/** The processes that can be asked at the moment. */
export interface Targets {
  add(url: string): void
  remove(url: string): void
  /** One of them; waits while there is none. */
  pick(): Promise<string>
}

/** People at it. */
export interface Traffic {
  /** Resolves when so many more requests were answered. */
  answers(count: number): Promise<void>
  /** Everybody finishes what they are at. */
  stop(): Promise<Journal>
}

/** Nobody is there at first. */
export function createTargets(): Targets {
  const urls = new Set<string>()
  let waiting: ((url: string) => void)[] = []
  return {
    add(url) {
      urls.add(url)
      for (const resolve of waiting) resolve(url)
      waiting = []
    },
    remove: (url) => void urls.delete(url),
    async pick() {
      const all = [...urls]
      return (
        all[Math.floor(Math.random() * all.length)] ?? (await new Promise<string>((resolve) => waiting.push(resolve)))
      )
    },
  }
}

/** Places one person wants at the same time: fewer than there are slots. */
const WANTED = 3
/** Milliseconds somebody thinks at most before the next request. */
const THINKING = 40

/**
 * Lets people book and cancel in these slots, all at the same time, until `stop`. Every other person sends an Idempotency-Key with each
 * booking and repeats what was not answered until it is; the others look what they have.
 */
export function startTraffic(people: readonly Person[], slots: readonly number[], targets: Targets): Traffic {
  const bookings: Acknowledged[] = []
  const inDoubt: { userId: number; slotId: number }[] = []
  const unexpected: unknown[] = []
  let cut = 0
  let full = 0
  let answered = 0
  let stopping = false
  let watchers: { readonly at: number; readonly resolve: () => void }[] = []

  const countAnswer = () => {
    answered += 1
    for (const { at, resolve } of watchers) if (at <= answered) resolve()
    watchers = watchers.filter(({ at }) => at > answered)
  }

  /** The answer, or undefined when none came; with `again`, asks until one comes. */
  const ask = async (request: (url: string) => Promise<Answer>, again: boolean): Promise<Answer | undefined> => {
    for (;;) {
      const url = await targets.pick()
      try {
        const answer = await request(url)
        countAnswer()
        return answer
      } catch {
        cut += 1
        if (!again) return undefined
      }
    }
  }

  const tryToBook = async (person: Person, held: readonly Acknowledged[], persistent: boolean) => {
    const free = slots.filter((slot) => !held.some(({ slotId }) => slotId === slot))
    const slotId = free[Math.floor(Math.random() * free.length)] ?? 0
    const key = persistent ? randomUUID() : undefined
    const answer = await ask((url) => book(url, person, slotId, key), persistent)
    const mayHaveIt = inDoubt.some((doubt) => doubt.userId === person.id && doubt.slotId === slotId)
    if (!answer) inDoubt.push({ userId: person.id, slotId })
    else if (answer.status === 201) bookings.push({ id: answer.body.id, userId: person.id, slotId, state: 'kept' })
    else if (answer.status === 409 && answer.body.code === 'slot_full') full += 1
    else if (!(answer.status === 409 && answer.body.code === 'own_overlap' && mayHaveIt)) unexpected.push(answer)
  }

  /** Whoever is in doubt looks what they have. What they asked for may still be under way, so that not finding it ends no doubt. */
  const lookUp = async (person: Person) => {
    const answer = await ask(
      (url) => call(url, 'GET', '/api/v1/reservations?status=confirmed&page_size=100', { token: person.token }),
      true,
    )
    if (answer?.status !== 200) return void unexpected.push(answer)
    for (const { id, time_slot_id: slotId } of answer.body.items) {
      if (bookings.some((booking) => booking.id === id)) continue
      bookings.push({ id, userId: person.id, slotId, state: 'kept' })
      const doubt = inDoubt.findIndex((one) => one.userId === person.id && one.slotId === slotId)
      if (doubt >= 0) inDoubt.splice(doubt, 1)
    }
  }

  const tryToCancel = async (person: Person, booking: Acknowledged, persistent: boolean) => {
    let askedBefore = booking.state === 'cancellation in doubt'
    booking.state = 'cancellation in doubt'
    const answer = await ask(async (url) => {
      const asked = call(url, 'DELETE', `/api/v1/reservations/${booking.id}`, { token: person.token })
      return asked.catch((error: unknown) => {
        askedBefore = true
        throw error
      })
    }, persistent)
    const doneBefore = askedBefore && answer?.status === 409 && answer.body.state === 'cancelled'
    if (answer?.status === 200 || doneBefore) booking.state = 'cancelled'
    else if (answer) unexpected.push(answer)
  }

  const live = async (person: Person, persistent: boolean) => {
    while (!stopping) {
      if (inDoubt.some(({ userId }) => userId === person.id)) await lookUp(person)
      const held = bookings.filter(({ userId, state }) => userId === person.id && state !== 'cancelled')
      const [oldest] = held
      if (oldest && (held.length >= WANTED || Math.random() < 0.4)) await tryToCancel(person, oldest, persistent)
      else await tryToBook(person, held, persistent)
      await pause(Math.random() * THINKING)
    }
  }

  const lives = people.map((person, n) => live(person, n % 2 === 0))
  return {
    answers: (count) => new Promise((resolve) => watchers.push({ at: answered + count, resolve })),
    async stop() {
      stopping = true
      await Promise.all(lives)
      return { bookings, inDoubt, unexpected, cut, full }
    },
  }
}
