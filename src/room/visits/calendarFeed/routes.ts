import { Type } from 'typebox'
import { ICALENDAR } from '../../../kernel/calendars/icalendar.ts'
import { calendarLink, ownerOf, resetCalendarLink } from '../../../kernel/calendars/links.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, data } from '../../contract.ts'
import { PORTAL } from '../../fields.ts'
import { calendarOf, FEED } from './service.ts'

const tag = 'Room portal'
const Link = Data(
  Type.Object({
    url: Type.String({ description: 'Anybody who has the URL can read the calendar, but nothing else.' }),
  }),
)

/** Routes for the caller's bookings in a calendar program. */
export function calendarFeedRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/booking/my/calendar-link`],
    operationId: 'getMyBookingsLink',
    permission: 'signed-in',
    summary: 'Read the private link for subscribing to my bookings',
    tag,
    schema: { response: { 200: Link } },
    handler: async (request) => data({ url: await calendarLink(kernel, FEED, callerOf(request).userId) }),
  })
  route(app, {
    method: 'POST',
    paths: [`${PORTAL}/booking/my/calendar-link/reset`],
    operationId: 'resetMyBookingsLink',
    permission: 'signed-in',
    summary: 'Make a new link; older links no longer work',
    tag,
    schema: { response: { 200: Link } },
    handler: async (request) => data({ url: await resetCalendarLink(kernel, FEED, callerOf(request)) }),
  })
  route(app, {
    method: 'GET',
    paths: [`${PORTAL}/booking/my/calendar.ics`],
    operationId: 'getMyBookingsFeed',
    permission: 'public',
    summary: 'Read the bookings I take part in as an iCalendar (RFC 5545)',
    description:
      'For people who are logged in, or with the private link, which calendar programs fetch regularly. Pending ' +
      'bookings are tentative. Bookings cancelled in the last 30 days are shown as cancelled.',
    tag,
    schema: {
      querystring: Type.Object({ token: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) }),
      response: {
        200: {
          description: 'The calendar.',
          content: { [ICALENDAR]: { schema: Type.String() } },
        },
      },
    },
    handler: async (request, reply) => {
      const { token } = request.query
      const userId = token === undefined ? callerOf(request).userId : await ownerOf(kernel, FEED, token)
      reply.type(ICALENDAR).header('cache-control', 'private, no-cache')
      return calendarOf(kernel, userId)
    },
  })
}
