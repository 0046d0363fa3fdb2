import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, IdParams, pageAnswer, pageAsked, pageOf, pageQuery, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { v1 } from '../../../site/paths.ts'
import { presentReservation, ReservationSchema } from '../../core/reservationSchemas.ts'
import { listReservations } from '../../core/reservationsStore.ts'
import { decide } from './service.ts'

const tag = 'Approval'
const permission = 'venue:reservations.manage'

/** Routes to list reservations that wait for approval, and to decide about them. POST does the same as PUT. */
export function approvalRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: v1('/reservations/pending'),
    operationId: 'listPendingReservations',
    permission,
    summary: 'List the requests that wait for approval',
    tag,
    schema: {
      querystring: pageQuery(['start_at', 'created_at', 'id'], {
        venue_id: Type.Optional(Id),
        q: Type.Optional(Text(100)),
      }),
      response: { 200: pageOf(ReservationSchema) },
    },
    handler: async ({ query }) => {
      const { items, total } = await listReservations(
        kernel.db,
        { status: 'pending', venueId: query.venue_id, text: query.q },
        pageAsked(query),
      )
      return pageAnswer(
        items.map((reservation) => presentReservation(reservation, zone)),
        total,
        query,
      )
    },
  })

  for (const method of ['PUT', 'POST'] as const) {
    route(app, {
      method,
      paths: v1('/reservations/{id}/approve'),
      operationId: method === 'POST' ? 'decideReservationByPost' : 'decideReservation',
      permission,
      summary: `Approve or reject a request${method === 'POST' ? ' (the same as PUT)' : ''}`,
      description: 'A rejection needs a reason. It returns the points, and the places are offered to the waiting list.',
      tag,
      schema: {
        params: IdParams,
        body: Type.Object({ status: Type.Enum(['confirmed', 'rejected']), reason: Type.Optional(Text(500)) }),
        response: { 200: ReservationSchema },
      },
      handler: async (request) => {
        const decided = await decide(kernel, callerOf(request), request.params.id, request.body)
        return presentReservation(decided, zone)
      },
    })
  }
}
