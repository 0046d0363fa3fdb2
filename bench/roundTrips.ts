import { WHO_AM_I } from './fixture.ts'
import type { Ask } from './load.ts'
import type { Setting } from './processes.ts'
import { openSystem } from './system.ts'
import { watchStatements } from './watch.ts'

const WARM_UP = 20
const COUNTED = 200

/** Statements for one booking, measured one booking at a time. */
export interface RoundTrips {
  readonly name: string
  readonly perBooking: number
  /** By the beginning of the statement: the number for a booking, and the mean time of one in milliseconds. */
  readonly statements: readonly { readonly text: string; readonly perBooking: number; readonly ms: number }[]
}

/**
 * Counts the statements of bookings over the program's full HTTP path. People have sent requests before, so that no
 * session is looked up.
 */
export async function countRoundTrips(
  setting: Setting,
  tokens: readonly string[],
  { name, bookings }: { readonly name: string; readonly bookings: (count: number) => readonly Ask[] },
): Promise<RoundTrips> {
  const watch = watchStatements()
  const system = await openSystem(setting)
  try {
    const send = (url: string, method: 'GET' | 'POST', token: string | undefined, payload?: string) =>
      system.app?.inject({
        method,
        url,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(payload !== undefined && { payload }),
      })
    const book = async ({ line, token, body }: Ask): Promise<boolean> => {
      const answer = await send(line.slice('POST '.length), 'POST', tokens[token], body)
      return (answer?.statusCode ?? 500) < 300 && !answer?.body.startsWith('{"code":500')
    }
    for (const ask of bookings(WARM_UP)) await book(ask)
    const asks = bookings(COUNTED)
    for (const { token } of asks) await send(WHO_AM_I, 'GET', tokens[token])
    watch.sent.length = 0
    let booked = 0
    for (const ask of asks) if (await book(ask)) booked += 1
    if (booked === 0) throw new Error('no booking succeeded while round trips were counted')
    const kinds = Map.groupBy(watch.sent, ({ text }) => text)
    return {
      name,
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
