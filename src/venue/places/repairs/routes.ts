import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import {
  Id,
  IdParams,
  Instant,
  Nullable,
  type Of,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
  Text,
} from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { localTimestamp } from '../../../kernel/time.ts'
import { v1 } from '../../../site/paths.ts'
import { DECISIONS, REPAIR_STATES } from './rules.ts'
import * as service from './service.ts'
import { listReports, type RepairFilter, type RepairReport } from './store.ts'

const tag = 'Repairs'
const Status = Type.Enum([...REPAIR_STATES])

const Report = Type.Object(
  {
    id: Id,
    facility_id: Id,
    facility_name: Type.String(),
    venue_id: Id,
    venue_name: Type.String(),
    user_id: Id,
    description: Type.String(),
    status: Status,
    note: Nullable(Type.String({ description: 'Latest note of the staff.' })),
    accepted_at: Nullable(Instant),
    closed_at: Nullable(Instant),
    created_at: Instant,
    updated_at: Instant,
  },
  { title: 'RepairReport' },
)

function presentReport(report: RepairReport, zone: string): Of<typeof Report> {
  const at = (instant: Date | null) => (instant === null ? null : localTimestamp(instant, zone))
  return {
    ...report,
    accepted_at: at(report.accepted_at),
    closed_at: at(report.closed_at),
    created_at: localTimestamp(report.created_at, zone),
    updated_at: localTimestamp(report.updated_at, zone),
  }
}

const MineQuery = pageQuery(['created_at', 'id'], { status: Type.Optional(Status) }, '-created_at')
const AllQuery = pageQuery(
  ['created_at', 'id'],
  {
    status: Type.Optional(Status),
    facility_id: Type.Optional(Id),
    venue_id: Type.Optional(Id),
    user_id: Type.Optional(Id),
  },
  '-created_at',
)

/** Routes to report faults and to work on the reports. */
export function repairRoutes(app: App, kernel: Kernel): void {
  allReports(app, kernel)
  oneReport(app, kernel)
}

function allReports(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  const list = async (query: Of<typeof MineQuery>, filter: RepairFilter) => {
    const page = pageAsked(query)
    const { items, total } = await listReports(kernel.db, { ...filter, status: query.status }, page)
    const shown = items.map((report) => presentReport(report, zone))
    return pageAnswer(shown, total, query)
  }

  route(app, {
    method: 'POST',
    paths: v1('/facilities/{facility_id}/repair-reports'),
    operationId: 'reportRepair',
    permission: 'venue:reservations.book',
    summary: 'Report that a facility needs repair',
    tag,
    schema: {
      params: Type.Object({ facility_id: Id }),
      body: Type.Object({ description: Text(2000, { examples: ['跑带打滑'] }) }),
      response: { 201: Report },
    },
    handler: async (request) => {
      const { params, body } = request
      return presentReport(await service.report(kernel, callerOf(request), params.facility_id, body.description), zone)
    },
  })

  route(app, {
    method: 'GET',
    paths: v1('/users/me/repair-reports'),
    permission: 'signed-in',
    summary: 'List my repair reports',
    tag,
    schema: { querystring: MineQuery, response: { 200: pageOf(Report) } },
    handler: (request) => list(request.query, { userId: callerOf(request).userId }),
  })

  route(app, {
    method: 'GET',
    paths: v1('/repair-reports'),
    permission: service.STAFF,
    summary: 'List all repair reports',
    tag,
    schema: { querystring: AllQuery, response: { 200: pageOf(Report) } },
    handler: ({ query }) =>
      list(query, { userId: query.user_id, facilityId: query.facility_id, venueId: query.venue_id }),
  })
}

function oneReport(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'GET',
    paths: v1('/repair-reports/{id}'),
    permission: 'signed-in',
    summary: 'Read one of my repair reports (any, for staff)',
    tag,
    schema: { params: IdParams, response: { 200: Report } },
    handler: async (request) =>
      presentReport(await service.getReport(kernel, callerOf(request), request.params.id), zone),
  })

  route(app, {
    method: 'PUT',
    paths: v1('/repair-reports/{id}'),
    permission: service.STAFF,
    summary: 'Accept, fix or reject a repair report',
    description:
      'From `reported` to `accepted` or `rejected`, from `accepted` to `fixed` or `rejected` (`bad_state` ' +
      'otherwise). The facility is broken while one of its reports is accepted. The reporter gets a message.',
    tag,
    schema: {
      params: IdParams,
      body: Type.Object({
        status: Type.Enum([...DECISIONS]),
        note: Type.Optional(Text(500, { description: 'Shown to the reporter.' })),
      }),
      response: { 200: Report },
    },
    handler: async (request) =>
      presentReport(await service.decide(kernel, callerOf(request), request.params.id, request.body), zone),
  })
}
