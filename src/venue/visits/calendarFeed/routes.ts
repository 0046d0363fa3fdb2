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
  { url: Type.String({ description: 'Whoever has it can read the calendar; it opens nothing else.' }) },
  { title: 'CalendarLink' },
)

/** One's own reservations in the calendar of a phone. */
export function calendarFeedRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/users/me/calendar-link'),
    permission: 'signed-in',
    summary: 'The private link to subscribe to my reservations',
    tag,
    schema: { response: { 200: Link } },
    handler: async (request) => ({ url: await calendarLink(kernel, FEED, callerOf(request).userId) }),
  })

  route(app, {
    method: 'POST',
    paths: v1('/users/me/calendar-link/reset'),
    permission: 'signed-in',
    summary: 'Make a new link; the old ones open nothing any more',
    tag,
    schema: { response: { 200: Link } },
    handler: async (request) => ({ url: await resetCalendarLink(kernel, FEED, callerOf(request)) }),
  })

  route(app, {
    method: 'GET',
    paths: v1('/users/me/calendar.ics'),
    operationId: 'getMyCalendarFeed',
    permission: 'public',
    summary: 'My reservations as an iCalendar (RFC 5545)',
    description:
      'Under the private link, which calendar programs fetch by themselves. Pending reservations are tentative; what was called off in the last 30 days is shown as cancelled.',
    tag,
    schema: {
      querystring: Type.Object({ token: Type.String({ minLength: 1, maxLength: 500 }) }),
      response: {
        200: {
          description: 'The calendar.',
          content: { [ICALENDAR]: { schema: Type.String() } },
        },
        404: {
          description: 'The link was never one, was reset, or its owner has left',
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
