import type { Fixture } from './fixture.ts'
import type { Setting } from './processes.ts'
import { openSystem } from './system.ts'
import { watchStatements } from './watch.ts'

const WARM_UP = 20
const COUNTED = 200

/** What bookings ask of the database, one at a time. */
export interface RoundTrips {
  readonly perBooking: number
  /** By the beginning of the text: how many a booking, and the mean time of one in milliseconds. */
  readonly statements: readonly { readonly text: string; readonly perBooking: number; readonly ms: number }[]
}

/** Counts the statements that bookings send, over HTTP's own path through the program. People have called before: no session is looked up. */
export async function countRoundTrips(setting: Setting, { tokens, slots }: Fixture): Promise<RoundTrips> {
  const watch = watchStatements()
  const system = await openSystem(setting)
  try {
    let next = 0
    const book = async (token: string): Promise<boolean> => {
      next += 1
      const answer = await system.app?.inject({
        method: 'POST',
        url: '/api/v1/reservations',
        headers: { authorization: `Bearer ${token}` },
        payload: { time_slot_id: slots[(next * 7919) % slots.length] },
      })
      return answer?.statusCode === 201
    }
    const people = tokens.slice(0, WARM_UP)
    for (const token of people) await book(token)
    watch.sent.length = 0
    let booked = 0
    for (let n = 0; n < COUNTED; n += 1) if (await book(people[n % people.length] ?? '')) booked += 1
    if (booked === 0) throw new Error('no booking succeeded while round trips were counted')
    const kinds = Map.groupBy(watch.sent, ({ text }) => text)
    return {
      perBooking: watch.sent.length / booked,
      statements: [...kinds].map(([text, sent]) => ({
        text: text.trim().replace(/\s+/g, ' ').slice(0, 60),
        perBooking: sent.length / booked,
        ms: sent.reduce((sum, { ms }) => sum + ms, 0) / sent.length,
      })),
    }
  } finally {
    watch.stop()
    await system.close()
  }
}
