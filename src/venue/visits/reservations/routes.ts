import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { idempotent } from '../../../kernel/http/request/idempotency.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, IdParams, type Of, pageAnswer, pageAsked, pageOf, pageQuery, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { dayBounds } from '../../../kernel/time.ts'
import { v1 } from '../../../site/paths.ts'
import { getReservation } from '../../core/access.ts'
import {
  allReservationFilters,
  FOUND_IN_VENUE,
  presentReservation,
  ReservationSchema,
  reservationFilters,
} from '../../core/reservationSchemas.ts'
import { listReservations, type ReservationFilter } from '../../core/reservationsStore.ts'
import { ConflictAnswer, ConflictQuestion, checkConflict } from './conflicts.ts'
import { book, cancel, moveReservation } from './service.ts'

const tag = 'Reservations'
const own = 'venue:reservations.book'
const manage = 'venue:reservations.manage'

const ReservationBody = Type.Object({
  user_id: Type.Optional({
    ...Id,
    description: 'Person to book for, by default the caller. Only staff may book for others.',
  }),
  time_slot_id: Id,
  party_size: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, description: 'Number of places, by default 1.' }),
  ),
})

const sortable = ['start_at', 'created_at', 'id'] as const
const MineQuery = pageQuery(
  sortable,
  { ...reservationFilters, q: Type.Optional(Text(100, { description: `${FOUND_IN_VENUE}.` })) },
  '-start_at',
)
const AllQuery = pageQuery(sortable, allReservationFilters, '-start_at')

const Reason = Type.Object({ reason: Type.Optional(Text(200, { description: 'Shown to the person.' })) })

/** Routes to book, read, move and cancel reservations. */
export function reservationRoutes(app: App, kernel: Kernel): void {
  bookingRoutes(app, kernel)
  readingRoutes(app, kernel)
  changingRoutes(app, kernel)
}

function bookingRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const bookOnce = (request: FastifyRequest<{ Body: Of<typeof ReservationBody> }>, reply: FastifyReply) =>
    idempotent(kernel, request, reply, async (kernel) =>
      presentReservation(await book(kernel, callerOf(request), requestOf(request.body)), zone),
    )

  route(app, {
    method: 'POST',
    paths: ['/api/v1/reservations'],
    operationId: 'bookSlot',
    permission: own,
    summary: 'Book a place in a slot',
    description:
      'Refused with 409 and one of the codes `in_the_past`, `venue_closed`, `too_far_ahead`, `party_too_large`, ' +
      '`credit_too_low`, `own_overlap`, `limit_reached`, `points_short`, `slot_full`. The new reservation is ' +
      '`pending` if the venue requires approval.',
    tag,
    idempotent: true,
    schema: { body: ReservationBody, response: { 201: ReservationSchema } },
    handler: bookOnce,
  })
  route(app, {
    method: 'POST',
    paths: ['/api/reservations'],
    operationId: 'bookSlotBriefly',
    permission: own,
    summary: 'Book a place in a slot (short answer)',
    description: 'The same as `POST /api/v1/reservations` with the short answer of the document’s walk-through.',
    tag,
    idempotent: true,
    schema: {
      body: ReservationBody,
      response: { 201: Type.Object({ success: Type.Boolean(), message: Type.String(), reservation_id: Id }) },
    },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) => {
        const { id } = await book(kernel, callerOf(request), requestOf(request.body))
        return { success: true, message: 'Reservation created successfully', reservation_id: id }
      }),
  })
}

function readingRoutes(app: App, kernel: Kernel): void {
  const present = presenter(kernel)

  route(app, {
    method: 'GET',
    paths: v1('/reservations'),
    operationId: 'listMyReservations',
    permission: 'signed-in',
    summary: 'List my reservations',
    tag,
    schema: { querystring: MineQuery, response: { 200: pageOf(ReservationSchema) } },
    handler: (request) => list(request.query, { userId: callerOf(request).userId, venueText: request.query.q }),
  })
  route(app, {
    method: 'GET',
    paths: ['/api/admin/reservations'],
    operationId: 'listAllReservations',
    permission: manage,
    summary: 'List all reservations',
    tag,
    schema: { querystring: AllQuery, response: { 200: pageOf(ReservationSchema) } },
    handler: (request) => list(request.query, { userId: request.query.user_id, text: request.query.q }),
  })
  route(app, {
    method: 'GET',
    paths: v1('/reservations/{id}'),
    permission: 'signed-in',
    summary: 'Read one of my reservations (any, for staff)',
    tag,
    schema: { params: IdParams, response: { 200: ReservationSchema } },
    handler: async (request) => present(await getReservation(kernel, callerOf(request), request.params.id)),
  })
  route(app, {
    method: 'GET',
    paths: ['/api/admin/reservations/{id}'],
    operationId: 'getAnyReservation',
    permission: manage,
    summary: 'Read any reservation',
    tag,
    schema: { params: IdParams, response: { 200: ReservationSchema } },
    handler: async (request) => present(await getReservation(kernel, callerOf(request), request.params.id)),
  })

  async function list(query: Of<typeof MineQuery>, of: Pick<ReservationFilter, 'userId' | 'text' | 'venueText'>) {
    const { items, total } = await listReservations(
      kernel.db,
      {
        ...of,
        status: query.status,
        venueId: query.venue_id,
        from: query.start_date === undefined ? undefined : dayBounds(query.start_date, kernel.config.timeZone).start,
        to: query.end_date === undefined ? undefined : dayBounds(query.end_date, kernel.config.timeZone).end,
      },
      pageAsked(query),
    )
    return pageAnswer(items.map(present), total, query)
  }
}

function changingRoutes(app: App, kernel: Kernel): void {
  const present = presenter(kernel)

  route(app, {
    method: 'PUT',
    paths: v1('/reservations/{id}'),
    operationId: 'moveReservation',
    permission: own,
    summary: 'Move a reservation to another slot',
    description: 'The same checks as a new booking; the difference in points is paid or returned.',
    tag,
    schema: { params: IdParams, body: Type.Object({ time_slot_id: Id }), response: { 200: ReservationSchema } },
    handler: async (request) =>
      present(await moveReservation(kernel, callerOf(request), request.params.id, request.body.time_slot_id)),
  })
  route(app, {
    method: 'DELETE',
    paths: v1('/reservations/{id}'),
    operationId: 'cancelReservation',
    permission: own,
    summary: 'Cancel a reservation',
    description:
      'Refused with `too_late_to_cancel` less than `cancel_before_minutes` before the start. With less notice than ' +
      '`free_cancel_before_minutes` it costs credit, and the points are not returned.',
    tag,
    schema: {
      params: IdParams,
      querystring: Reason,
      response: { 200: ReservationSchema },
    },
    handler: async (request) =>
      present(await cancel(kernel, callerOf(request), request.params.id, request.query.reason)),
  })
  route(app, {
    method: 'DELETE',
    paths: ['/api/admin/reservations/{id}'],
    operationId: 'cancelAnyReservation',
    permission: manage,
    summary: 'Cancel any reservation',
    tag,
    schema: { params: IdParams, querystring: Reason, response: { 200: ReservationSchema } },
    handler: async (request) =>
      present(await cancel(kernel, callerOf(request), request.params.id, request.query.reason)),
  })
  route(app, {
    method: 'POST',
    paths: v1('/venues/{venue_id}/check-conflict'),
    operationId: 'checkBookingConflicts',
    permission: own,
    summary: 'Check whether a slot could be booked',
    description: 'Returns all reasons against booking the slot with these local times. Books nothing.',
    tag,
    schema: { params: Type.Object({ venue_id: Id }), body: ConflictQuestion, response: { 200: ConflictAnswer } },
    handler: (request) => checkConflict(kernel, callerOf(request), request.params.venue_id, request.body),
  })
}

const presenter = (kernel: Kernel) => (reservation: Parameters<typeof presentReservation>[0]) =>
  presentReservation(reservation, kernel.config.timeZone)

function requestOf(body: Of<typeof ReservationBody>): Parameters<typeof book>[2] {
  return { slotId: body.time_slot_id, userId: body.user_id, partySize: body.party_size ?? 1 }
}
