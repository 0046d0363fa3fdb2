import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { idempotent } from '../../../kernel/http/request/idempotency.ts'
import { route } from '../../../kernel/http/route.ts'
import {
  Id,
  IdParams,
  Nullable,
  type Of,
  pageAnswer,
  pageOf,
  pageOffset,
  pageQuery,
} from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localDate, localTime, localTimestamp } from '../../../kernel/time.ts'
import { v1 } from '../../../site/paths.ts'
import { mayManage } from '../../core/access.ts'
import { presentReservation, ReservationSchema } from '../../core/reservationSchemas.ts'
import { claim, join, joinByReservation, leave } from './service.ts'
import * as store from './store.ts'

const tag = 'Waiting list'
const own = 'venue:reservations.book'

const EntrySchema = Type.Object(
  {
    id: Id,
    time_slot_id: Id,
    venue_id: Id,
    venue_name: Type.String(),
    user_id: Nullable({ ...Id, description: 'Null for other people’s entries, except for staff.' }),
    date: Type.String({ examples: ['2026-03-14'] }),
    start_time: Type.String(),
    end_time: Type.String(),
    party_size: Type.Integer(),
    state: Type.Enum(['waiting', 'offered', 'booked', 'lapsed', 'left', 'expired']),
    position: Nullable(Type.Integer({ description: '1 is next in line.' })),
    offer_expires_at: Nullable(
      Type.String({ format: 'date-time', description: 'End of the offer; the place is held until then.' }),
    ),
    reservation_id: Nullable(Id),
    created_at: Type.String({ format: 'date-time' }),
  },
  { title: 'WaitingListEntry' },
)
const Party = Type.Object({ party_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })) })
const paging = ['id'] as const

/** Routes to join, leave, claim and read waiting lists. */
export function waitingListRoutes(app: App, kernel: Kernel): void {
  joiningRoutes(app, kernel)
  readingRoutes(app, kernel)
  endingRoutes(app, kernel)
}

function joiningRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'POST',
    paths: [
      '/api/v1/venues/{venue_id}/reservation-time-slots/{slot_id}/waiting-list',
      '/api/venues/{venue_id}/time-slots/{slot_id}/waiting-list',
    ],
    operationId: 'joinWaitingList',
    permission: own,
    summary: 'Join the waiting list of a full slot',
    description:
      'First come, first served. A place that becomes free is held for the first in line, who gets a message. ' +
      'Refused with `already_waiting`, `already_booked`, `slot_not_full`, `no_waiting_list`, and for reasons against ' +
      'the booking that don’t pass: all but `slot_full`, `own_overlap`, `limit_reached` and `points_short`.',
    tag,
    idempotent: true,
    schema: {
      params: Type.Object({ venue_id: Id, slot_id: Id }),
      body: Nullable(Party),
      response: { 201: EntrySchema },
    },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) => {
        const { venue_id: venueId, slot_id: slotId } = request.params
        return presentEntry(
          await join(kernel, callerOf(request), { venueId, slotId }, request.body?.party_size),
          true,
          zone,
        )
      }),
  })
  route(app, {
    method: 'POST',
    paths: v1('/reservations/{id}/waiting-list'),
    operationId: 'joinReservationWaitingList',
    permission: own,
    summary: 'Join the waiting list of the slot of a reservation',
    tag,
    idempotent: true,
    schema: { params: IdParams, body: Nullable(Party), response: { 201: EntrySchema } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) =>
        presentEntry(
          await joinByReservation(kernel, callerOf(request), request.params.id, request.body?.party_size),
          true,
          zone,
        ),
      ),
  })
}

function readingRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: v1('/venues/{venue_id}/waiting-list'),
    permission: 'signed-in',
    summary: 'List the people who wait at a venue, in order',
    description: 'The ids of other people are shown only to staff.',
    tag,
    schema: {
      params: Type.Object({ venue_id: Id }),
      querystring: pageQuery(paging, { time_slot_id: Type.Optional(Id) }),
      response: { 200: pageOf(EntrySchema) },
    },
    handler: async (request) => {
      const caller = callerOf(request)
      const { query } = request
      const { items, total } = await store.listOfVenue(
        kernel.db,
        { venueId: request.params.venue_id, slotId: query.time_slot_id },
        { offset: pageOffset(query), limit: query.page_size },
      )
      const shown = items.map((entry) => presentEntry(entry, mayManage(caller) || entry.userId === caller.userId, zone))
      return pageAnswer(shown, total, query)
    },
  })
  route(app, {
    method: 'GET',
    paths: v1('/users/me/waiting-list'),
    permission: 'signed-in',
    summary: 'List my waiting-list entries',
    tag,
    schema: {
      querystring: pageQuery(paging, {
        live: Type.Optional(Type.Boolean({ description: 'Only entries that are still in line, by default true.' })),
      }),
      response: { 200: pageOf(EntrySchema) },
    },
    handler: async (request) => {
      const { query } = request
      const page = { live: query.live ?? true, offset: pageOffset(query), limit: query.page_size }
      const { items, total } = await store.listOfUser(kernel.db, callerOf(request).userId, page)
      return pageAnswer(
        items.map((entry) => presentEntry(entry, true, zone)),
        total,
        query,
      )
    },
  })
}

function endingRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'DELETE',
    paths: v1('/waiting-list/{id}'),
    operationId: 'leaveWaitingList',
    permission: own,
    summary: 'Leave the waiting list',
    tag,
    schema: { params: IdParams, response: { 200: EntrySchema } },
    handler: async (request) => presentEntry(await leave(kernel, callerOf(request), request.params.id), true, zone),
  })
  route(app, {
    method: 'POST',
    paths: v1('/waiting-list/{id}/claim'),
    operationId: 'claimOfferedPlace',
    permission: own,
    summary: 'Book the place that is offered',
    tag,
    idempotent: true,
    schema: { params: IdParams, response: { 201: ReservationSchema } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) =>
        presentReservation(await claim(kernel, callerOf(request), request.params.id), zone),
      ),
  })
}

/** Converts an entry to its form in answers. */
function presentEntry(entry: store.Entry, showUser: boolean, zone: string): Of<typeof EntrySchema> {
  return {
    id: entry.id,
    time_slot_id: entry.slotId,
    venue_id: entry.venueId,
    venue_name: entry.venueName,
    user_id: showUser ? entry.userId : null,
    date: localDate(entry.startAt, zone),
    start_time: localTime(entry.startAt, zone),
    end_time: localTime(entry.endAt, zone),
    party_size: entry.partySize,
    state: entry.state,
    position: entry.position,
    offer_expires_at: entry.offerExpiresAt && localTimestamp(entry.offerExpiresAt, zone),
    reservation_id: entry.reservationId,
    created_at: localTimestamp(entry.createdAt, zone),
  }
}
