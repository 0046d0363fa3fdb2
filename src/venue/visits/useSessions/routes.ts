import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
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
} from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localTimestamp } from '../../../kernel/time.ts'
import { v1 } from '../../../site/paths.ts'
import { STAFF, startUse, stopUse } from './service.ts'
import { listSessions, type SessionFilter, type UseSession } from './store.ts'

const tag = 'Facilities'
const permission = 'venue:reservations.book'

const Session = Type.Object(
  {
    id: Id,
    facility_id: Id,
    facility_name: Type.String(),
    user_id: Id,
    unit: Type.Integer({ minimum: 1, description: 'Number of the facility’s unit.' }),
    started_at: Instant,
    stopped_at: Nullable(Instant),
    minutes: Nullable(Type.Integer({ description: 'Whole minutes; null while it is running.' })),
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

const MineQuery = pageQuery(['id'], {}, '-id')
const AllQuery = pageQuery(
  ['id'],
  {
    venue_id: Type.Optional(Id),
    facility_id: Type.Optional(Id),
    user_id: Type.Optional(Id),
    running: Type.Optional(Type.Boolean({ description: 'true: running sessions; false: ended ones.' })),
  },
  '-id',
)

/**
 * Routes of use sessions: the use of facilities by people, from start to stop. The facility statistics are based on
 * them.
 */
export function useSessionRoutes(app: App, kernel: Kernel): void {
  startingAndStopping(app, kernel)
  lists(app, kernel)
}

function startingAndStopping(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'POST',
    paths: v1('/facilities/{facility_id}/use-sessions'),
    operationId: 'startUseSession',
    permission,
    summary: 'Start using a facility',
    description:
      'A person uses one facility at a time (`already_using`), and a facility is used by as many people as it has ' +
      'units (`all_in_use`). Facilities that are broken or under maintenance can’t be used (`not_available`), nor ' +
      'those of a venue that is closed now (`venue_closed`). A session ends by itself when the facility or the venue ' +
      'is deleted or closed, and after the longest time that the site allows.',
    tag,
    schema: { params: Type.Object({ facility_id: Id }), response: { 201: Session } },
    handler: async (request) =>
      presentSession(await startUse(kernel, callerOf(request), request.params.facility_id), zone),
  })

  route(app, {
    method: 'PUT',
    paths: v1('/use-sessions/{id}/stop'),
    permission,
    summary: 'Stop using a facility',
    description: 'The caller’s own session, or any for staff. Refused with `bad_state` when it has ended.',
    tag,
    schema: { params: IdParams, response: { 200: Session } },
    handler: async (request) => presentSession(await stopUse(kernel, callerOf(request), request.params.id), zone),
  })
}

function lists(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const list = async (query: Of<typeof MineQuery>, filter: SessionFilter) => {
    const { items, total } = await listSessions(kernel.db, filter, pageAsked(query))
    return pageAnswer(
      items.map((session) => presentSession(session, zone)),
      total,
      query,
    )
  }

  route(app, {
    method: 'GET',
    paths: v1('/users/me/use-sessions'),
    permission: 'signed-in',
    summary: 'List my use sessions',
    tag,
    schema: { querystring: MineQuery, response: { 200: pageOf(Session) } },
    handler: (request) => list(request.query, { userId: callerOf(request).userId }),
  })

  route(app, {
    method: 'GET',
    paths: v1('/use-sessions'),
    permission: STAFF,
    summary: 'List all use sessions',
    tag,
    schema: { querystring: AllQuery, response: { 200: pageOf(Session) } },
    handler: ({ query }) =>
      list(query, {
        userId: query.user_id,
        facilityId: query.facility_id,
        venueId: query.venue_id,
        running: query.running,
      }),
  })
}
