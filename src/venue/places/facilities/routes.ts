import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Instant, Nullable, pageAnswer, pageAsked, pageOf, pageQuery, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Deleted } from '../../../site/fields.ts'
import { v1 } from '../../../site/paths.ts'
import * as service from './service.ts'

const tag = 'Facilities'
const write = 'venue:catalogue.write'
const VenueParams = Type.Object({ venue_id: Id })
const Params = Type.Object({ facility_id: Id })
const Status = Type.Enum(['available', 'maintenance', 'broken'])
const Quantity = Type.Integer({ minimum: 0, maximum: 100_000 })

const Facility = Type.Object(
  {
    id: Id,
    venue_id: Id,
    name: Type.String(),
    type: Nullable(Type.String()),
    quantity: Type.Integer(),
    status: Status,
    description: Nullable(Type.String()),
    created_at: Instant,
    updated_at: Instant,
  },
  { title: 'Facility' },
)

const optionalFields = {
  type: Type.Optional(Nullable(Text(50))),
  quantity: Type.Optional(Quantity),
  status: Type.Optional(Status),
  description: Type.Optional(Nullable(Text(5000))),
}

/** Routes of facilities, the equipment of venues. Administrators have the same operations under /api/admin. */
export function facilityRoutes(app: App, kernel: Kernel): void {
  readFacilities(app, kernel, v1('/venues/{venue_id}/facilities'), v1('/facilities/{facility_id}'), 'public')
  readFacilities(
    app,
    kernel,
    ['/api/admin/venues/{venue_id}/facilities'],
    ['/api/admin/facilities/{facility_id}'],
    write,
  )
  writeFacilities(app, kernel)
}

type Paths = [string, ...string[]]

function readFacilities(app: App, kernel: Kernel, all: Paths, one: Paths, permission: string): void {
  route(app, {
    method: 'GET',
    paths: all,
    operationId: permission === write ? 'listAllVenueFacilities' : 'listVenueFacilities',
    permission,
    summary: 'List the facilities of a venue',
    tag,
    schema: {
      params: VenueParams,
      querystring: pageQuery(['name', 'created_at', 'id']),
      response: { 200: pageOf(Facility) },
    },
    handler: async ({ params, query }) => {
      const page = pageAsked(query)
      const { items, total } = await service.listFacilities(kernel, params.venue_id, page)
      return pageAnswer(items, total, query)
    },
  })

  route(app, {
    method: 'GET',
    paths: one,
    operationId: permission === write ? 'getAnyFacility' : 'getFacility',
    permission,
    summary: 'Read a facility',
    tag,
    schema: { params: Params, response: { 200: Facility } },
    handler: ({ params }) => service.getFacility(kernel, params.facility_id),
  })
}

function writeFacilities(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: [...v1('/venues/{venue_id}/facilities'), '/api/admin/venues/{venue_id}/facilities'],
    permission: write,
    summary: 'Add a facility to a venue',
    tag,
    schema: {
      params: VenueParams,
      body: Type.Object({ name: Text(100), ...optionalFields }),
      response: { 201: Facility },
    },
    handler: (request) => service.addFacility(kernel, callerOf(request), request.params.venue_id, request.body),
  })

  route(app, {
    method: 'PUT',
    paths: [...v1('/facilities/{facility_id}'), '/api/admin/facilities/{facility_id}'],
    permission: write,
    summary: 'Change a facility',
    description: 'Fields that are not given stay as they are.',
    tag,
    schema: {
      params: Params,
      body: Type.Object({ name: Type.Optional(Text(100)), ...optionalFields }),
      response: { 200: Facility },
    },
    handler: (request) => service.changeFacility(kernel, callerOf(request), request.params.facility_id, request.body),
  })

  route(app, {
    method: 'DELETE',
    paths: [...v1('/facilities/{facility_id}'), '/api/admin/facilities/{facility_id}'],
    permission: write,
    summary: 'Delete a facility',
    tag,
    schema: { params: Params, response: { 204: Deleted } },
    handler: (request) => service.removeFacility(kernel, callerOf(request), request.params.facility_id),
  })
}
