import type { TSchema } from 'typebox'
import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { v1 } from '../../../site/paths.ts'
import { effectiveRules, NO_RULES, type OwnRules, ruleSource } from '../../core/bookingRules/rules.ts'
import * as service from './service.ts'
import type { RuleLayers } from './store.ts'

const tag = 'Booking rules'
const write = 'venue:catalogue.write'
const VenueParams = Type.Object({ venue_id: Id })
const SportVenueParams = Type.Object({ sport_venue_id: Id })

const whole = (minimum: number, maximum: number, description?: string) =>
  Type.Integer({ minimum, maximum, ...(description !== undefined && { description }) })

/** The bounds are those of the table. */
const values = {
  max_reservations_per_user: whole(0, 10_000, 'Most reservations of a person here, counted over `window`.'),
  window: Type.Enum(['active', 'day', 'week']),
  advance_booking_days: whole(0, 3650, '0: today only.'),
  requires_approval: Type.Boolean(),
  cancel_before_minutes: whole(0, 100_000),
  free_cancel_before_minutes: whole(0, 100_000, 'A later cancellation costs credit, and the points are not returned.'),
  min_credit: whole(0, 100),
  check_in_before_minutes: whole(0, 1440),
  check_in_after_minutes: whole(0, 1440),
  check_in_code_required: Type.Boolean(),
  allow_waiting_list: Type.Boolean(),
  waiting_hold_minutes: whole(1, 10_080),
  auto_promote: Type.Boolean(),
  max_party_size: whole(1, 1000),
  points_cost: whole(0, 1_000_000),
  displace_before_minutes: whole(0, 100_000),
}

const may = <Schema extends TSchema>(schema: Schema) => Type.Optional(Nullable(schema))

const RulesBody = Type.Object({
  max_reservations_per_user: may(values.max_reservations_per_user),
  window: may(values.window),
  advance_booking_days: may(values.advance_booking_days),
  requires_approval: may(values.requires_approval),
  cancel_before_minutes: may(values.cancel_before_minutes),
  free_cancel_before_minutes: may(values.free_cancel_before_minutes),
  min_credit: may(values.min_credit),
  check_in_before_minutes: may(values.check_in_before_minutes),
  check_in_after_minutes: may(values.check_in_after_minutes),
  check_in_code_required: may(values.check_in_code_required),
  allow_waiting_list: may(values.allow_waiting_list),
  waiting_hold_minutes: may(values.waiting_hold_minutes),
  auto_promote: may(values.auto_promote),
  max_party_size: may(values.max_party_size),
  points_cost: may(values.points_cost),
  displace_before_minutes: may(values.displace_before_minutes),
})

const Source = Type.Enum(['venue', 'sport_venue', 'system', 'default'])

const Rules = Type.Object(
  {
    ...Object.fromEntries(Object.entries(values).map(([name, schema]) => [name, Nullable(schema)])),
    effective: Type.Object(
      Object.fromEntries(
        Object.entries(values).map(([name, schema]) => [name, Type.Object({ value: schema, source: Source })]),
      ),
      { description: 'The rules in force, and the level that sets each.' },
    ),
  },
  { title: 'BookingRules', description: 'The rules set at this level (null: not set here), and the rules in force.' },
)

/** Presents the level's own values, then the rules in force with the level that sets each. */
function present(own: OwnRules | null, { venue, sportVenue, system }: RuleLayers) {
  const holds = effectiveRules(venue, sportVenue, system)
  const effective = Object.fromEntries(
    service.ruleNames.map((name) => [
      name,
      { value: holds[name], source: ruleSource(name, venue, sportVenue, system) },
    ]),
  )
  return { ...(own ?? NO_RULES), effective }
}

async function ofVenue(kernel: Kernel, id: number) {
  const layers = await service.getVenueRules(kernel, id)
  return present(layers.venue, layers)
}

async function ofSportVenue(kernel: Kernel, id: number) {
  const layers = await service.getSportVenueRules(kernel, id)
  return present(layers.sportVenue, layers)
}

async function ofSystem(kernel: Kernel) {
  const layers = await service.getSystemRules(kernel)
  return present(layers.system, layers)
}

/** Routes of the booking rules of venues, of sport venues and of the whole system. POST does the same as PUT. */
export function bookingRulesRoutes(app: App, kernel: Kernel): void {
  readRules(app, kernel)
  setRules(app, kernel, 'PUT')
  setRules(app, kernel, 'POST')
}

function readRules(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/venues/{venue_id}/rules'),
    permission: 'public',
    summary: 'Read the booking rules of a venue',
    tag,
    schema: { params: VenueParams, response: { 200: Rules } },
    handler: ({ params }) => ofVenue(kernel, params.venue_id),
  })
  route(app, {
    method: 'GET',
    paths: v1('/sport-venues/{sport_venue_id}/rules'),
    permission: 'public',
    summary: 'Read the booking rules of a sport venue',
    tag,
    schema: { params: SportVenueParams, response: { 200: Rules } },
    handler: ({ params }) => ofSportVenue(kernel, params.sport_venue_id),
  })
  route(app, {
    method: 'GET',
    paths: v1('/rules'),
    permission: 'public',
    summary: 'Read the booking rules of the system',
    tag,
    schema: { response: { 200: Rules } },
    handler: () => ofSystem(kernel),
  })
}

function setRules(app: App, kernel: Kernel, method: 'PUT' | 'POST'): void {
  const description = 'Rules that are not given stay as they are; null unsets one.'
  const byPost = method === 'POST' ? 'ByPost' : ''
  const again = method === 'POST' ? ' (the same as PUT)' : ''
  route(app, {
    method,
    paths: v1('/venues/{venue_id}/rules'),
    operationId: `setVenueRules${byPost}`,
    permission: write,
    summary: `Set booking rules of a venue${again}`,
    description,
    tag,
    schema: { params: VenueParams, body: RulesBody, response: { 200: Rules } },
    handler: async (request) => {
      const { venue_id: venueId } = request.params
      await service.setRules(kernel, callerOf(request), { venueId }, request.body)
      return ofVenue(kernel, venueId)
    },
  })
  route(app, {
    method,
    paths: v1('/sport-venues/{sport_venue_id}/rules'),
    operationId: `setSportVenueRules${byPost}`,
    permission: write,
    summary: `Set booking rules of a sport venue${again}`,
    description,
    tag,
    schema: { params: SportVenueParams, body: RulesBody, response: { 200: Rules } },
    handler: async (request) => {
      const { sport_venue_id: sportVenueId } = request.params
      await service.setRules(kernel, callerOf(request), { sportVenueId }, request.body)
      return ofSportVenue(kernel, sportVenueId)
    },
  })
  route(app, {
    method,
    paths: v1('/rules'),
    operationId: `setRules${byPost}`,
    permission: write,
    summary: `Set booking rules of the system${again}`,
    description,
    tag,
    schema: { body: RulesBody, response: { 200: Rules } },
    handler: async (request) => {
      await service.setRules(kernel, callerOf(request), 'system', request.body)
      return ofSystem(kernel)
    },
  })
}
