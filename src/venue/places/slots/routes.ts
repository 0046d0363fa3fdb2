import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import {
  Id,
  InstantInput,
  LocalDate,
  LocalTime,
  LocalTimeOrMidnight,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
} from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { dayBounds, parseInstant } from '../../../kernel/time.ts'
import { Deleted } from '../../../site/fields.ts'
import { v1 } from '../../../site/paths.ts'
import { wholeMinutes } from '../../moments.ts'
import { presentSlot, SlotSchema, SlotStatusName } from './present.ts'
import type { TimeRequest } from './rules.ts'
import * as service from './service.ts'

const tag = 'Time slots'
const write = 'venue:catalogue.write'
const VenueParams = Type.Object({ venue_id: Id })
const Params = Type.Object({ venue_id: Id, time_slot_id: Id })
const Capacity = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 100_000, description: 'The capacity of the venue by default.' }),
)
const Force = Type.Optional(Type.Boolean({ description: 'Displace the reservations in the slot.' }))

const NewSlot = Type.Union([
  Type.Object({ date: LocalDate, start_time: LocalTime, end_time: LocalTimeOrMidnight, capacity: Capacity }),
  Type.Object({ start_at: InstantInput, end_at: InstantInput, capacity: Capacity }),
])

const SlotChange = Type.Object({
  date: Type.Optional(LocalDate),
  start_time: Type.Optional(LocalTime),
  end_time: Type.Optional(LocalTimeOrMidnight),
  start_at: Type.Optional(InstantInput),
  end_at: Type.Optional(InstantInput),
  capacity: Capacity,
  force: Force,
})

const Generation = Type.Object({
  start_date: LocalDate,
  end_date: LocalDate,
  slot_minutes: Type.Integer({ minimum: 5, maximum: 1440, examples: [60] }),
  gap_minutes: Type.Optional(Type.Integer({ minimum: 0, maximum: 1440 })),
  capacity: Capacity,
  weekdays: Type.Optional(
    Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
      maxItems: 7,
      description: '1 is Monday, 7 is Sunday. Every day by default.',
    }),
  ),
})

interface GivenTime {
  readonly date?: string
  readonly start_time?: string
  readonly end_time?: string
  readonly start_at?: string
  readonly end_at?: string
  readonly capacity?: number
}

function readTime(given: GivenTime, zone: string): TimeRequest & { readonly capacity?: number | undefined } {
  const { date, start_time, end_time, start_at, end_at, capacity } = given
  return {
    date,
    start_time: start_time === undefined ? undefined : wholeMinutes(start_time),
    end_time: end_time === undefined ? undefined : wholeMinutes(end_time),
    start_at: start_at === undefined ? undefined : parseInstant(start_at, zone),
    end_at: end_at === undefined ? undefined : parseInstant(end_at, zone),
    capacity,
  }
}

/** Canonical path, aliases of the walk-through and, for writing, the administrators' path. */
function slotPaths(rest: string, admin: boolean): [string, ...string[]] {
  const base = '/venues/{venue_id}'
  return [
    ...v1(`${base}/reservation-time-slots${rest}`),
    ...v1(`${base}/time-slots${rest}`),
    ...(admin ? [`/api/admin${base}/reservation-time-slots${rest}`] : []),
  ]
}

/** Routes of time slots, the times at which a venue can be booked. */
export function slotRoutes(app: App, kernel: Kernel): void {
  const admin = '/api/admin/venues/{venue_id}/reservation-time-slots'
  readSlots(app, kernel, slotPaths('', false), slotPaths('/{time_slot_id}', false), 'public')
  readSlots(app, kernel, [admin], [`${admin}/{time_slot_id}`], write)
  addSlots(app, kernel)
  changeSlots(app, kernel)
}

type Paths = [string, ...string[]]

function readSlots(app: App, kernel: Kernel, all: Paths, one: Paths, permission: string): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: all,
    operationId: permission === write ? 'listAllTimeSlots' : 'listTimeSlots',
    permission,
    summary: 'List the time slots of a venue',
    description: 'Both dates are inclusive; a slot belongs to the day on which it starts.',
    tag,
    schema: {
      params: VenueParams,
      querystring: pageQuery(['start_at', 'id'], {
        start_date: Type.Optional(LocalDate),
        end_date: Type.Optional(LocalDate),
        status: Type.Optional(SlotStatusName),
      }),
      response: { 200: pageOf(SlotSchema) },
    },
    handler: async ({ params, query }) => {
      const filter = {
        venueId: params.venue_id,
        from: query.start_date === undefined ? undefined : dayBounds(query.start_date, zone).start,
        to: query.end_date === undefined ? undefined : dayBounds(query.end_date, zone).end,
        status: query.status,
      }
      const page = pageAsked(query)
      const { items, total } = await service.listSlots(kernel, filter, page)
      const now = kernel.clock.now()
      return pageAnswer(
        items.map((slot) => presentSlot(slot, now, zone)),
        total,
        query,
      )
    },
  })

  route(app, {
    method: 'GET',
    paths: one,
    operationId: permission === write ? 'getAnyTimeSlot' : 'getTimeSlot',
    permission,
    summary: 'Read a time slot',
    tag,
    schema: { params: Params, response: { 200: SlotSchema } },
    handler: async ({ params }) => {
      const slot = await service.getSlot(kernel, params.venue_id, params.time_slot_id)
      return presentSlot(slot, kernel.clock.now(), zone)
    },
  })
}

function addSlots(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'POST',
    paths: slotPaths('', true),
    operationId: 'createTimeSlot',
    permission: write,
    summary: 'Add a time slot',
    description:
      'Give a local date and times, or two instants. The slot must be within the opening hours and overlap no other ' +
      'slot.',
    tag,
    schema: { params: VenueParams, body: NewSlot, response: { 201: SlotSchema } },
    handler: async (request) => {
      const time = readTime(request.body, zone)
      const slot = await service.addSlot(kernel, callerOf(request), request.params.venue_id, time)
      return presentSlot(slot, kernel.clock.now(), zone)
    },
  })

  route(app, {
    method: 'POST',
    paths: slotPaths('/generate', true),
    operationId: 'generateTimeSlots',
    permission: write,
    summary: 'Generate time slots from the opening hours',
    description:
      'At most 92 days and 5,000 slots. Slots that are in the past, exist or overlap are skipped, so it is safe to ' +
      'repeat.',
    tag,
    schema: {
      params: VenueParams,
      body: Generation,
      response: { 200: Type.Object({ created: Type.Integer(), skipped: Type.Integer() }) },
    },
    handler: (request) => {
      const { start_date, end_date, slot_minutes, gap_minutes, capacity, weekdays } = request.body
      return service.generateSlots(kernel, callerOf(request), request.params.venue_id, {
        startDate: start_date,
        endDate: end_date,
        slotMinutes: slot_minutes,
        gapMinutes: gap_minutes ?? 0,
        weekdays: weekdays ?? [],
        capacity,
      })
    },
  })
}

function changeSlots(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const querystring = Type.Object({ force: Force })
  route(app, {
    method: 'PUT',
    paths: slotPaths('/{time_slot_id}', true),
    operationId: 'updateTimeSlot',
    permission: write,
    summary: 'Change a time slot',
    description:
      'Fields that are not given stay as they are. While the slot is in use, a new time or fewer places than are ' +
      'used are refused with `slot_in_use`, unless forced.',
    tag,
    schema: { params: Params, querystring, body: SlotChange, response: { 200: SlotSchema } },
    handler: async (request) => {
      const { params, query, body } = request
      const force = query.force === true || body.force === true
      const at = { venueId: params.venue_id, slotId: params.time_slot_id, force }
      const slot = await service.changeSlot(kernel, callerOf(request), at, readTime(body, zone))
      return presentSlot(slot, kernel.clock.now(), zone)
    },
  })

  route(app, {
    method: 'DELETE',
    paths: slotPaths('/{time_slot_id}', true),
    operationId: 'deleteTimeSlot',
    permission: write,
    summary: 'Delete a time slot',
    description: 'Refused with `slot_in_use` while places are taken or held, unless forced.',
    tag,
    schema: { params: Params, querystring, response: { 204: Deleted } },
    handler: (request) => {
      const { params, query } = request
      const at = { venueId: params.venue_id, slotId: params.time_slot_id, force: query.force ?? false }
      return service.removeSlot(kernel, callerOf(request), at)
    },
  })
}
