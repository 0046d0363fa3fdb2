import { Type } from 'typebox'
import type { HoursException, OpeningHours } from '../../../booking/openingHours.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate, LocalTime, LocalTimeOrMidnight, Nullable, type Of, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { v1 } from '../../../site/paths.ts'
import type { HoursAnswer } from '../../core/openingHoursStore.ts'
import { wholeMinutes } from '../../moments.ts'
import * as service from './service.ts'

const tag = 'Opening hours'
const write = 'venue:catalogue.write'
const VenueParams = Type.Object({ venue_id: Id })
const SportVenueParams = Type.Object({ sport_venue_id: Id })
const Weekday = Type.Integer({ minimum: 1, maximum: 7, description: '1 is Monday, 7 is Sunday.' })
const reason = Type.Optional(Nullable(Text(200)))

const HoursBody = Type.Object({
  weekly: Type.Array(Type.Object({ weekday: Weekday, opens: LocalTime, closes: LocalTimeOrMidnight }), {
    maxItems: 100,
    description:
      'Several entries for one day are allowed. Without any entry, the hours of the sport venue hold; without those, ' +
      'the venue is always open.',
  }),
  exceptions: Type.Optional(
    Type.Array(
      Type.Union([
        Type.Object({ date: LocalDate, closed: Type.Literal(true), reason }),
        Type.Object({ date: LocalDate, opens: LocalTime, closes: LocalTimeOrMidnight, reason }),
      ]),
      { maxItems: 1000, description: 'Each replaces the weekly hours on its day.' },
    ),
  ),
})

const Hours = Type.Object(
  {
    weekly: Type.Array(Type.Object({ weekday: Weekday, opens: Type.String(), closes: Type.String() })),
    exceptions: Type.Array(
      Type.Object({
        date: LocalDate,
        closed: Type.Boolean(),
        opens: Type.Optional(Type.String()),
        closes: Type.Optional(Type.String()),
        reason: Nullable(Type.String()),
      }),
    ),
    inherited: Type.Boolean({ description: 'True when some of these are the hours of the sport venue.' }),
  },
  { title: 'OpeningHours' },
)

function read(body: Of<typeof HoursBody>): OpeningHours {
  const exceptions = (body.exceptions ?? []).map(
    (given): HoursException => ({
      date: given.date,
      opens: 'opens' in given ? wholeMinutes(given.opens) : null,
      closes: 'closes' in given ? wholeMinutes(given.closes) : null,
      reason: given.reason ?? null,
    }),
  )
  const weekly = body.weekly.map(({ weekday, opens, closes }) => ({
    weekday,
    opens: wholeMinutes(opens),
    closes: wholeMinutes(closes),
  }))
  return { weekly, exceptions }
}

function present({ weekly, exceptions, inherited }: HoursAnswer): Of<typeof Hours> {
  return {
    weekly: [...weekly],
    exceptions: exceptions.map(({ date, opens, closes, reason }) =>
      opens === null || closes === null
        ? { date, closed: true, reason }
        : { date, closed: false, opens, closes, reason },
    ),
    inherited,
  }
}

/** Routes of the opening hours of venues and sport venues. */
export function openingHoursRoutes(app: App, kernel: Kernel): void {
  const description =
    'Replaces all hours. On a day with an exception, only the exception holds. A venue without weekly hours has ' +
    'those of its sport venue; if there are none either, it is always open. An exception of the sport venue holds ' +
    'for each of its venues that has no exception of its own for that day.'

  route(app, {
    method: 'GET',
    paths: v1('/venues/{venue_id}/opening-hours'),
    permission: 'public',
    summary: 'Read the opening hours of a venue',
    tag,
    schema: { params: VenueParams, response: { 200: Hours } },
    handler: async ({ params }) => present(await service.getVenueHours(kernel, params.venue_id)),
  })

  route(app, {
    method: 'PUT',
    paths: v1('/venues/{venue_id}/opening-hours'),
    permission: write,
    summary: 'Set the opening hours of a venue',
    description,
    tag,
    schema: { params: VenueParams, body: HoursBody, response: { 200: Hours } },
    handler: async (request) =>
      present(await service.setVenueHours(kernel, callerOf(request), request.params.venue_id, read(request.body))),
  })

  route(app, {
    method: 'GET',
    paths: v1('/sport-venues/{sport_venue_id}/opening-hours'),
    permission: 'public',
    summary: 'Read the opening hours of a sport venue',
    tag,
    schema: { params: SportVenueParams, response: { 200: Hours } },
    handler: async ({ params }) => present(await service.getSportVenueHours(kernel, params.sport_venue_id)),
  })

  route(app, {
    method: 'PUT',
    paths: v1('/sport-venues/{sport_venue_id}/opening-hours'),
    permission: write,
    summary: 'Set the opening hours of a sport venue',
    description,
    tag,
    schema: { params: SportVenueParams, body: HoursBody, response: { 200: Hours } },
    handler: async (request) =>
      present(
        await service.setSportVenueHours(kernel, callerOf(request), request.params.sport_venue_id, read(request.body)),
      ),
  })
}
