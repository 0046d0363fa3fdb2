import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import {
  Id,
  IdParams,
  Instant,
  InstantInput,
  Nullable,
  type Of,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
  Text,
} from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localTimestamp, parseInstant } from '../../../kernel/time.ts'
import { v1 } from '../../../site/paths.ts'
import { setVenueStatus } from '../../core/closures/venueStatus.ts'
import { requireFacility, requireSportVenue, requireVenue } from '../../core/venues/service.ts'
import type { Owner } from '../../core/venues/types.ts'
import { rebookingRoutes } from './rebooking/routes.ts'
import { AffectedSchema, PlanAnswerSchema, PlanSchema, PlanStateName, presentAffected, presentPlan } from './schemas.ts'
import * as service from './service.ts'
import { listMaintenance } from './store.ts'

const tag = 'Closures and maintenance'
const write = 'venue:catalogue.write'

const Status = Type.Enum(['open', 'closed', 'maintenance'])
const Reason = Text(200, { description: 'Shown to the people affected.', examples: ['更换地板'] })

const StatusRequest = Type.Object({
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

/**
 * Routes of the status of venues, the maintenance of venues, sport venues and facilities, and the rebooking of
 * displaced reservations.
 */
export function maintenanceRoutes(app: App, kernel: Kernel): void {
  statusRoutes(app, kernel)
  maintenanceOf(app, kernel, {
    path: '/venues/{id}/maintenance',
    what: 'a venue',
    ownerOf: (venueId) => ({ venueId }),
    require: (id) => requireVenue(kernel.db, id),
  })
  maintenanceOf(app, kernel, {
    path: '/sport-venues/{id}/maintenance',
    what: 'a sport venue',
    ownerOf: (sportVenueId) => ({ sportVenueId }),
    require: (id) => requireSportVenue(kernel.db, id),
  })
  maintenanceOf(app, kernel, {
    path: '/facilities/{id}/maintenance',
    what: 'a facility',
    ownerOf: (facilityId) => ({ facilityId }),
    require: (id) => requireFacility(kernel.db, id),
  })
  planRoutes(app, kernel)
  rebookingRoutes(app, kernel)
}

function statusRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  for (const method of ['PATCH', 'PUT'] as const) {
    route(app, {
      method,
      paths: v1('/venues/{id}/status'),
      permission: write,
      summary: 'Open or close a venue',
      description:
        '`closed` and `maintenance` hold from now until `until`, or until further notice. Every reservation in that ' +
        'time ends, its points are returned, and its person gets a message with alternatives and may book again once ' +
        '(`POST /api/v1/reservations/{id}/rebook`). `open` ends the closures in force now.',
      tag,
      schema: { params: IdParams, body: StatusRequest, response: { 200: StatusAnswer } },
      handler: async (request) => {
        const { status, until, reason }: Of<typeof StatusRequest> = request.body
        const { venue, affected } = await setVenueStatus(kernel, callerOf(request), request.params.id, {
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

const PlanRequest = Type.Object({
  start_time: InstantInput,
  end_time: InstantInput,
  reason: Type.Optional(Nullable(Reason)),
})
const PlanChange = Type.Partial(PlanRequest)
const PlanQuery = pageQuery(['start_time', 'id'], { state: Type.Optional(PlanStateName) }, '-start_time')

/** Path and checks of the maintenance routes of one kind of owner. */
interface MaintenanceOwners {
  readonly path: string
  readonly what: string
  ownerOf(id: number): Owner
  /** Checks that the owner exists. @throws NotFound */
  require(id: number): Promise<unknown>
}

function maintenanceOf(app: App, kernel: Kernel, owners: MaintenanceOwners): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: v1(owners.path),
    permission: 'public',
    summary: `List the maintenance of ${owners.what}`,
    description: 'Plans start and end by themselves: `state` is the state at the time of the answer.',
    tag,
    schema: { params: IdParams, querystring: PlanQuery, response: { 200: pageOf(PlanSchema) } },
    handler: async ({ params, query }) => {
      const now = kernel.clock.now()
      await owners.require(params.id)
      const page = pageAsked(query)
      const { items, total } = await listMaintenance(kernel.db, owners.ownerOf(params.id), query.state, page, now)
      return pageAnswer(
        items.map((plan) => presentPlan(plan, now, zone)),
        total,
        query,
      )
    },
  })
  route(app, {
    method: 'POST',
    paths: v1(owners.path),
    permission: write,
    summary: `Plan the maintenance of ${owners.what}`,
    description:
      'Times without an offset are local. Reservations in that time end now, and their people get a message with ' +
      'alternatives. The maintenance of a facility does not affect reservations.',
    tag,
    schema: { params: IdParams, body: PlanRequest, response: { 201: PlanAnswerSchema } },
    handler: async (request) => {
      const { start_time, end_time, reason }: Of<typeof PlanRequest> = request.body
      const answer = await service.planMaintenance(kernel, callerOf(request), owners.ownerOf(request.params.id), {
        start: parseInstant(start_time, zone),
        end: parseInstant(end_time, zone),
        reason: reason ?? undefined,
      })
      return presentAnswer(kernel, answer)
    },
  })
}

function planRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: v1('/maintenance/{id}'),
    permission: 'public',
    summary: 'Read a maintenance plan',
    tag,
    schema: { params: IdParams, response: { 200: PlanSchema } },
    handler: async ({ params }) => presentPlan(await service.getPlan(kernel, params.id), kernel.clock.now(), zone),
  })
  route(app, {
    method: 'PUT',
    paths: v1('/maintenance/{id}'),
    permission: write,
    summary: 'Change a maintenance plan',
    description:
      'Fields that are not given stay as they are. Refused with `bad_state` when the plan is done or cancelled.',
    tag,
    schema: { params: IdParams, body: PlanChange, response: { 200: PlanAnswerSchema } },
    handler: async (request) => {
      const { start_time, end_time, reason }: Of<typeof PlanChange> = request.body
      const answer = await service.changeMaintenance(kernel, callerOf(request), request.params.id, {
        ...(start_time !== undefined && { start: parseInstant(start_time, zone) }),
        ...(end_time !== undefined && { end: parseInstant(end_time, zone) }),
        ...(reason !== undefined && { reason }),
      })
      return presentAnswer(kernel, answer)
    },
  })
  route(app, {
    method: 'DELETE',
    paths: v1('/maintenance/{id}'),
    operationId: 'cancelMaintenance',
    permission: write,
    summary: 'Cancel a maintenance plan',
    description: 'Works for a running plan too: its slots open again. Reservations that it has ended stay ended.',
    tag,
    schema: { params: IdParams, response: { 200: PlanSchema } },
    handler: async (request) => {
      const plan = await service.cancelMaintenance(kernel, callerOf(request), request.params.id)
      return presentPlan(plan, kernel.clock.now(), zone)
    },
  })
}

function presentAnswer(kernel: Kernel, { plan, affected }: service.PlanAnswer): Of<typeof PlanAnswerSchema> {
  const zone = kernel.config.timeZone
  return {
    ...presentPlan(plan, kernel.clock.now(), zone),
    affected: affected.map((one) => presentAffected(one, zone)),
  }
}
