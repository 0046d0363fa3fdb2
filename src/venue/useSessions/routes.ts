import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/caller.ts'
import { route } from '../../kernel/http/route.ts'
import {
  Id,
  IdParams,
  Instant,
  Nullable,
  type Of,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
} from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { localTimestamp } from '../../kernel/time.ts'
import { v1 } from '../paths.ts'
import { startUse, stopUse } from './service.ts'
import { sessionsOf, type UseSession } from './store.ts'

const tag = 'Facilities'
const permission = 'venue:reservations.book'

const Session = Type.Object(
  {
    id: Id,
    facility_id: Id,
    facility_name: Type.String(),
    user_id: Id,
    unit: Type.Integer({ minimum: 1, description: 'Which of the facility’s units.' }),
    started_at: Instant,
    stopped_at: Nullable(Instant),
    minutes: Nullable(Type.Integer({ description: 'Whole minutes, once it is over.' })),
  },
  { title: 'UseSession' },
)

function presentSession(session: UseSession, zone: string): Of<typeof Session> {
  const { started_at: start, stopped_at: stop } = session
  return {
    ...session,
    started_at: localTimestamp(start, zone),
    stopped_at: stop && localTimestamp(stop, zone),
    minutes: stop && Math.floor((stop.getTime() - start.getTime()) / 60_000),
  }
}

/** Using facilities: who uses what, from when to when. Feeds the facility statistics. */
export function useSessionRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'POST',
    paths: v1('/facilities/{facility_id}/use-sessions'),
    permission,
    summary: 'Start to use a facility',
    description:
      'One thing at a time (`already_using`), and as many people as the facility has units (`all_in_use`). Broken facilities, and those under ' +
      'maintenance, can’t be used (`not_available`).',
    tag,
    schema: { params: Type.Object({ facility_id: Id }), response: { 201: Session } },
    handler: async (request) =>
      presentSession(await startUse(kernel, callerOf(request), request.params.facility_id), zone),
  })

  route(app, {
    method: 'PUT',
    paths: v1('/use-sessions/{id}/stop'),
    permission,
    summary: 'Stop to use a facility',
    description: 'One’s own session; any for staff. Stopping twice is `bad_state`.',
    tag,
    schema: { params: IdParams, response: { 200: Session } },
    handler: async (request) => presentSession(await stopUse(kernel, callerOf(request), request.params.id), zone),
  })

  route(app, {
    method: 'GET',
    paths: v1('/users/me/use-sessions'),
    permission: 'signed-in',
    summary: 'What I use and used',
    tag,
    schema: { querystring: pageQuery(['id'], {}, '-id'), response: { 200: pageOf(Session) } },
    handler: async (request) => {
      const { query } = request
      const page = pageAsked(query)
      const { items, total } = await sessionsOf(kernel.db, callerOf(request).userId, page)
      const shown = items.map((session) => presentSession(session, zone))
      return pageAnswer(shown, total, query)
    },
  })
}
