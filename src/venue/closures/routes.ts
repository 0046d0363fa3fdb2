import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/caller.ts'
import { route } from '../../kernel/http/route.ts'
import {
  Id,
  Instant,
  InstantInput,
  type Of,
  pageAnswer,
  pageOf,
  pageOffset,
  pageQuery,
  sortOrder,
  Text,
} from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { localTimestamp } from '../../kernel/time.ts'
import { getFacility } from '../facilities/service.ts'
import { Nullable } from '../fields.ts'
import { parseInstant } from '../moments.ts'
import { v1 } from '../paths.ts'
import { getSportVenue } from '../sportVenues/service.ts'
import { getVenue } from '../venues/service.ts'
import { AffectedSchema, PlanAnswerSchema, PlanSchema, PlanStateName, presentAffected, presentPlan } from './schemas.ts'
import * as service from './service.ts'
import { listMaintenance, type Owner } from './store.ts'

const tag = 'Closures and maintenance'
const write = 'venue:catalogue.write'

const Status = Type.Enum(['open', 'closed', 'maintenance'])
const Reason = Text(200, { description: 'Shown to the people it touches.', examples: ['更换地板'] })

const StatusWish = Type.Object({
  status: Status,
  until: Type.Optional(Nullable(InstantInput)),
  reason: Type.Optional(Nullable(Reason)),
})

const StatusAnswer = Type.Object({
  id: Id,
  status: Status,
  status_until: Nullable(Instant),
  status_reason: Nullable(Type.String()),
  affected: Type.Array(AffectedSchema),
})

/** The status of venues, and the maintenance of venues, sport venues and facilities. */
export function closureRoutes(app: App, kernel: Kernel): void {
  statusRoutes(app, kernel)
  ownerRoutes(app, kernel, {
    path: '/venues/{venue_id}/maintenance',
    params: Type.Object({ venue_id: Id }),
    what: 'a venue',
    ownerOf: ({ venue_id: venueId }) => ({ venueId }),
    require: ({ venue_id }) => getVenue(kernel, venue_id),
  })
  ownerRoutes(app, kernel, {
    path: '/sport-venues/{sport_venue_id}/maintenance',
    params: Type.Object({ sport_venue_id: Id }),
    what: 'all venues of a sport venue',
    ownerOf: ({ sport_venue_id: sportVenueId }) => ({ sportVenueId }),
    require: ({ sport_venue_id }) => getSportVenue(kernel, sport_venue_id),
  })
  ownerRoutes(app, kernel, {
    path: '/facilities/{facility_id}/maintenance',
    params: Type.Object({ facility_id: Id }),
    what: 'a facility',
    ownerOf: ({ facility_id: facilityId }) => ({ facilityId }),
    require: ({ facility_id }) => getFacility(kernel, facility_id),
  })
  planRoutes(app, kernel)
}

function statusRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  for (const method of ['PATCH', 'PUT'] as const) {
    route(app, {
      method,
      paths: v1('/venues/{venue_id}/status'),
      permission: write,
      summary: 'Open or close a venue',
      description:
        '`closed` and `maintenance` hold from now until `until`, or until further notice: every reservation in that time ends, its points go back, ' +
        'and its person is told with alternatives and may book again once (`POST /api/v1/reservations/{id}/rebook`). `open` ends what is in force now.',
      tag,
      schema: { params: Type.Object({ venue_id: Id }), body: StatusWish, response: { 200: StatusAnswer } },
      handler: async (request) => {
        const { status, until, reason }: Of<typeof StatusWish> = request.body
        const { venue, affected } = await service.setVenueStatus(kernel, callerOf(request), request.params.venue_id, {
          status,
          until: until ? parseInstant(until, zone) : undefined,
          reason: reason ?? undefined,
        })
        return {
          id: venue.id,
          status: venue.status,
          status_until: venue.status_until && localTimestamp(venue.status_until, zone),
          status_reason: venue.status_reason,
          affected: affected.map((one) => presentAffected(one, zone)),
        }
      },
    })
  }
}

const PlanWish = Type.Object({ start_time: InstantInput, end_time: InstantInput, reason: Type.Optional(Nullable(Reason)) })
const PlanChange = Type.Partial(PlanWish)
const PlanQuery = pageQuery(['start_time', 'id'], { state: Type.Optional(PlanStateName) }, '-start_time')

/** The doors to the plans of one kind of thing. */
interface Doors<Params> {
  readonly path: string
  readonly params: ReturnType<typeof Type.Object>
  readonly what: string
  ownerOf(params: Params): Owner
  /** @throws NotFound when there is no such thing. */
  require(params: Params): Promise<unknown>
}

function ownerRoutes<Params>(app: App, kernel: Kernel, doors: Doors<Params>): void {
  void app
  void kernel
  void doors
}

function planRoutes(app: App, kernel: Kernel): void {
  void app
  void kernel
}
void pageAnswer, pageOffset, sortOrder, listMaintenance, PlanSchema, PlanAnswerSchema, presentPlan, PlanQuery, PlanChange
