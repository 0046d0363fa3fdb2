import { Type } from 'typebox'
import { ManualClock } from '../../kernel/clock.ts'
import { Invalid } from '../../kernel/errors.ts'
import type { App } from '../../kernel/http/app.ts'
import { route } from '../../kernel/http/route.ts'
import { Instant, InstantInput } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'

const Moment = Type.Object({ now: Instant })

/**
 * `GET|POST /dev/clock`: moves the clock by hand. Registered only when the clock is manual (never in production).
 * `afterMove` runs the work that is due at the new time; the answer waits for it.
 */
export function clockRoutes(app: App, kernel: Pick<Kernel, 'clock'>, afterMove: () => Promise<void>): void {
  const { clock } = kernel
  if (!(clock instanceof ManualClock)) return
  route(app, {
    method: 'GET',
    paths: ['/dev/clock'],
    permission: 'public',
    summary: 'Read the program’s time',
    tag: 'Development',
    schema: { response: { 200: Moment } },
    handler: () => ({ now: clock.now() }),
  })
  route(app, {
    method: 'POST',
    paths: ['/dev/clock'],
    operationId: 'moveClock',
    permission: 'public',
    summary: 'Move the clock: to an instant, or forward by minutes',
    description:
      'Runs everything that time drives (reminders, offers, no-shows, upkeep) once for the new time and delivers ' +
      'the messages before answering. The minutes between the old and the new time are skipped.',
    tag: 'Development',
    schema: {
      body: Type.Object({
        to: Type.Optional(InstantInput),
        advance_minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 5_256_000 })),
      }),
      response: { 200: Moment },
    },
    handler: async (request) => {
      const { to, advance_minutes: minutes } = request.body
      if ((to === undefined) === (minutes === undefined)) {
        throw new Invalid('validation', 'Give either `to` or `advance_minutes`.')
      }
      if (to !== undefined) clock.set(new Date(to))
      if (minutes !== undefined) clock.advance(minutes)
      await afterMove()
      return { now: clock.now() }
    },
  })
}
