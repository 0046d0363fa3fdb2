import { Type } from 'typebox'
import { ICALENDAR } from '../../../kernel/calendars/icalendar.ts'
import { calendarLink, ownerOf, resetCalendarLink } from '../../../kernel/calendars/links.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Refusal } from '../../contract.ts'
import { calendarOf, FEED } from './service.ts'

const tag = 'Clinic appointments'
const Link = Answer(
  Type.Object({
    url: Type.String({ description: 'Anybody who has the URL can read the calendar, but nothing else.' }),
  }),
)

/** Routes for the caller's orders in a calendar program. */
export function calendarFeedRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/patient/appointments/calendar-link'],
    operationId: 'getMyAppointmentsLink',
    permission: 'signed-in',
    summary: 'Read the private link for subscribing to your orders',
    tag,
    schema: { response: { 200: Link } },
    handler: async (request) => answer({ url: await calendarLink(kernel, FEED, callerOf(request).userId) }),
  })
  route(app, {
    method: 'POST',
    paths: ['/patient/appointments/calendar-link/reset'],
    operationId: 'resetMyAppointmentsLink',
    permission: 'signed-in',
    summary: 'Make a new link; older links no longer work',
    tag,
    schema: { response: { 200: Link } },
    handler: async (request) => answer({ url: await resetCalendarLink(kernel, FEED, callerOf(request)) }),
  })
  route(app, {
    method: 'GET',
    paths: ['/patient/appointments/calendar.ics'],
    operationId: 'getMyAppointmentsFeed',
    permission: 'public',
    summary: 'Read your orders as an iCalendar (RFC 5545)',
    description:
      'For people who are logged in, or with the private link, which calendar programs fetch regularly. It has the ' +
      'orders of your own patient record and those that you made. Unpaid orders are tentative. Orders that were ' +
      'cancelled or timed out in the last 30 days are shown as cancelled.',
    tag,
    schema: {
      querystring: Type.Object({ token: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) }),
      response: {
        200: {
          description: 'The calendar.',
          content: { [ICALENDAR]: { schema: Type.String() } },
        },
        401: {
          description: 'Neither a log-in nor the private link',
          content: { 'application/json': { schema: Refusal } },
        },
      },
    },
    handler: async (request, reply) => {
      const { token } = request.query
      const userId = token === undefined ? callerOf(request).userId : await ownerOf(kernel, FEED, token)
      reply.type(ICALENDAR).header('cache-control', 'private, no-cache')
      return await calendarOf(kernel, userId)
    },
  })
}
