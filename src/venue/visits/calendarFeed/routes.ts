import { Type } from 'typebox'
import { ICALENDAR } from '../../../kernel/calendars/icalendar.ts'
import { calendarLink, ownerOf, resetCalendarLink } from '../../../kernel/calendars/links.ts'
import { Problem, problemContentType } from '../../../kernel/http/answer/problem.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { v1 } from '../../../site/paths.ts'
import { calendarOf, FEED } from './service.ts'

const tag = 'Calendar feed'
const Link = Type.Object(
  {
    url: Type.String({ description: 'Anyone with this link can read the calendar; it gives access to nothing else.' }),
  },
  { title: 'CalendarLink' },
)

/** Routes of a person's reservations as a calendar for their phone. */
export function calendarFeedRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/users/me/calendar-link'),
    permission: 'signed-in',
    summary: 'Read the private link to subscribe to my reservations',
    tag,
    schema: { response: { 200: Link } },
    handler: async (request) => ({ url: await calendarLink(kernel, FEED, callerOf(request).userId) }),
  })

  route(app, {
    method: 'POST',
    paths: v1('/users/me/calendar-link/reset'),
    permission: 'signed-in',
    summary: 'Make a new link; the old ones stop working',
    tag,
    schema: { response: { 200: Link } },
    handler: async (request) => ({ url: await resetCalendarLink(kernel, FEED, callerOf(request)) }),
  })

  route(app, {
    method: 'GET',
    paths: v1('/users/me/calendar.ics'),
    operationId: 'getMyCalendarFeed',
    permission: 'public',
    summary: 'Read my reservations as an iCalendar (RFC 5545)',
    description:
      'Calendar programs fetch it with the private link. Pending reservations are tentative; those that were ' +
      'cancelled, rejected or displaced in the last 30 days are shown as cancelled.',
    tag,
    schema: {
      querystring: Type.Object({ token: Type.String({ minLength: 1, maxLength: 500 }) }),
      response: {
        200: {
          description: 'The calendar.',
          content: { [ICALENDAR]: { schema: Type.String() } },
        },
        404: {
          description: 'The link is not valid, was reset, or its owner has left',
          content: { [problemContentType]: { schema: Problem } },
        },
      },
    },
    handler: async (request, reply) => {
      const userId = await ownerOf(kernel, FEED, request.query.token)
      reply.type(ICALENDAR).header('cache-control', 'private, no-cache')
      return calendarOf(kernel, userId)
    },
  })
}
