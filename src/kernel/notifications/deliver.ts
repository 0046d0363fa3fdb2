import { sql } from 'kysely'
import { repeat } from '../jobs/repeat.ts'
import type { Kernel } from '../kernel.ts'
import { type Mailer, MailRefused } from './mailer.ts'

/** Sends what the relay queued. */
export interface Courier {
  nudge(): void
  /** Sends what is due, and looks again every second, until `stop`. Any number of processes may. */
  start(): void
  /** Waits for the mail in hand. */
  stop(): Promise<void>
  /** Sends all that is due by the clock. Answers how many tries it made. */
  drain(): Promise<number>
}

interface Claimed {
  readonly id: number
  readonly attempts: number
  readonly created_at: Date
  readonly subject: string
  readonly body: string
  readonly email: string | null
  readonly display_name: string
}

type Result =
  | { readonly state: 'sent'; readonly providerId: string }
  | { readonly state: 'skipped' | 'failed'; readonly reason: string }
  | { readonly state: 'queued'; readonly reason: string }

const MOST_ATTEMPTS = 8
const POLL_MS = 1000
/** A process that claimed a mail and was killed: after this somebody else sends it. Longer than a conversation can take. */
const LEASE_MS = 5 * 60_000
const FIRST_PAUSE_MS = 30_000
const LONGEST_PAUSE_MS = 2 * 60 * 60_000
const NAME_LENGTH = 100

/**
 * Builds the courier. A delivery is claimed (committed), sent outside of any transaction, and its result recorded. One at a time in a process:
 * a kill between the acceptance by the server and our record repeats at most that one mail.
 */
export function createCourier(kernel: Pick<Kernel, 'clock' | 'log' | 'db'>, mailer: Mailer | undefined): Courier {
  const step = async (): Promise<boolean> => {
    const claimed = await claim(kernel)
    if (!claimed) return false
    const result = await send(claimed)
    await settle(kernel, claimed, result)
    return true
  }

  const send = async (delivery: Claimed): Promise<Result> => {
    if (!mailer) return { state: 'skipped', reason: 'not_configured' }
    // Scrubbed or changed since it was queued.
    if (delivery.email === null) return { state: 'skipped', reason: 'no_address' }
    if (!/^[^\s@,;<>"]+@[^\s@,;<>"]+$/.test(delivery.email)) return { state: 'failed', reason: 'bad_address' }
    try {
      const { providerId } = await mailer.send({
        id: delivery.id,
        at: delivery.created_at,
        to: delivery.email,
        toName: delivery.display_name.replace(/\s+/g, ' ').slice(0, NAME_LENGTH),
        subject: delivery.subject,
        text: delivery.body,
      })
      return { state: 'sent', providerId }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const final = (error instanceof MailRefused && error.permanent) || delivery.attempts >= MOST_ATTEMPTS
      kernel.log.warn({ deliveryId: delivery.id, attempts: delivery.attempts, final, reason }, 'a mail was not taken')
      return { state: final ? 'failed' : 'queued', reason }
    }
  }

  const loop = repeat({
    name: 'mail delivery',
    log: kernel.log,
    everyMs: POLL_MS,
    run: async () => ((await step()) ? 0 : POLL_MS),
  })

  return {
    nudge: loop.nudge,
    start: loop.start,
    stop: loop.stop,
    async drain() {
      let tries = 0
      while (await step()) tries += 1
      return tries
    },
  }
}

/** Takes the delivery that is due first and keeps others from it for a while. */
async function claim({ db, clock }: Pick<Kernel, 'clock' | 'db'>): Promise<Claimed | undefined> {
  const now = clock.now()
  const answer = await sql<Claimed>`
    UPDATE deliveries d
    SET attempts = d.attempts + 1, next_try_at = ${new Date(now.getTime() + LEASE_MS)}, updated_at = ${now}
    FROM messages m JOIN users u ON u.id = m.user_id
    WHERE m.id = d.message_id AND d.id = (
      SELECT id FROM deliveries
      WHERE state = 'queued' AND channel = 'email' AND next_try_at <= ${now}
      ORDER BY next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING d.id, d.attempts, d.created_at, m.subject, m.body, u.email, u.display_name`.execute(db)
  return answer.rows[0]
}

/** Records what became of a try, unless somebody else has claimed the delivery since. */
async function settle({ db, clock }: Pick<Kernel, 'clock' | 'db'>, claimed: Claimed, result: Result): Promise<void> {
  const now = clock.now()
  const nextTryAt = result.state === 'queued' ? new Date(now.getTime() + pauseMs(claimed.attempts)) : null
  await sql`
    UPDATE deliveries
    SET state = ${result.state}, updated_at = ${now}, next_try_at = ${nextTryAt},
      reason = ${result.state === 'sent' ? null : result.reason}, provider_id = ${result.state === 'sent' ? result.providerId : null}
    WHERE id = ${claimed.id} AND state = 'queued' AND attempts = ${claimed.attempts}`.execute(db)
}

/** 30 s, doubling, up to 2 h; a quarter more or less, so that what failed together isn't tried together. */
function pauseMs(attempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS) * (0.75 + Math.random() / 2)
}
