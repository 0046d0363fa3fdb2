import { Type } from 'typebox'
import { acceptUploads, uploadedFile } from '../../../kernel/files/upload.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import {
  Id,
  Instant,
  InstantInput,
  Nullable,
  type Of,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
  Text,
} from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { parseInstant } from '../../../kernel/time.ts'
import { Deleted, ImageUrl } from '../../../site/fields.ts'
import { v1 } from '../../../site/paths.ts'
import * as service from './service.ts'
import { listVenues, type VenueFields } from './store.ts'

const tag = 'Venues'
const write = 'venue:catalogue.write'
const Params = Type.Object({ venue_id: Id })
const Status = Type.Enum(['open', 'closed', 'maintenance'])
const Capacity = Type.Integer({
  minimum: 1,
  maximum: 100_000,
  description: 'Default number of places of a slot.',
})

const Venue = Type.Object(
  {
    id: Id,
    sport_venue_id: Nullable(Id),
    name: Type.String(),
    type: Nullable(Type.String()),
    location: Nullable(Type.String()),
    capacity: Type.Integer(),
    status: Status,
    status_until: Nullable(Instant),
    status_reason: Nullable(Type.String()),
    notice: Nullable(Type.String()),
    description: Nullable(Type.String()),
    image_url: Nullable(Type.String()),
    rating_average: Nullable(Type.Number({ description: '1 to 5; null without ratings.' })),
    rating_count: Type.Integer(),
    created_at: Instant,
    updated_at: Instant,
  },
  { title: 'Venue' },
)

const optionalFields = {
  sport_venue_id: Type.Optional(Nullable(Id)),
  type: Type.Optional(Nullable(Text(50, { examples: ['羽毛球'] }))),
  location: Type.Optional(Nullable(Text(200, { examples: ['Building 1'] }))),
  status: Type.Optional(Status),
  notice: Type.Optional(Nullable(Text(2000, { examples: ['Please wear sports shoes'] }))),
  description: Type.Optional(Nullable(Text(5000))),
  image_url: Type.Optional(Nullable(ImageUrl)),
}

const filters = {
  sport_venue_id: Type.Optional(Id),
  type: Type.Optional(Text(50)),
  location: Type.Optional(Text(200, { description: 'Part of the location.' })),
  status: Type.Optional(Status),
  min_rating: Type.Optional(Type.Number({ minimum: 1, maximum: 5 })),
  q: Type.Optional(Text(100, { description: 'Part of the name, type, location or description.' })),
  free_from: Type.Optional(InstantInput),
  free_to: Type.Optional(InstantInput),
}

/** Routes of venues, the places that people book. Administrators have the same operations under /api/admin. */
export function venueRoutes(app: App, kernel: Kernel): void {
  readVenues(app, kernel, { paths: v1('/venues'), one: v1('/venues/{venue_id}'), permission: 'public' })
  readVenues(app, kernel, {
    paths: ['/api/admin/venues'],
    one: ['/api/admin/venues/{venue_id}'],
    permission: write,
  })
  writeVenues(app, kernel)
}

interface ReadingPaths {
  readonly paths: [string, ...string[]]
  readonly one: [string, ...string[]]
  readonly permission: string
}

function readVenues(app: App, kernel: Kernel, { paths, one, permission }: ReadingPaths): void {
  route(app, {
    method: 'GET',
    paths,
    operationId: permission === write ? 'listAllVenues' : 'listVenues',
    permission,
    summary: 'List venues',
    description:
      '`free_from` and `free_to` find venues with a slot between these times that is open and has a free place.',
    tag,
    schema: {
      querystring: pageQuery(['name', 'created_at', 'rating', 'capacity', 'id'], filters),
      response: { 200: pageOf(Venue) },
    },
    handler: async ({ query }) => {
      const zone = kernel.config.timeZone
      const { items, total } = await listVenues(
        kernel.db,
        {
          ...query,
          sportVenueId: query.sport_venue_id,
          minRating: query.min_rating,
          freeFrom: query.free_from === undefined ? undefined : parseInstant(query.free_from, zone),
          freeTo: query.free_to === undefined ? undefined : parseInstant(query.free_to, zone),
        },
        pageAsked(query),
        kernel.clock.now(),
      )
      return pageAnswer(items, total, query)
    },
  })

  route(app, {
    method: 'GET',
    paths: one,
    operationId: permission === write ? 'getAnyVenue' : 'getVenue',
    permission,
    summary: 'Read a venue',
    tag,
    schema: { params: Params, response: { 200: Venue } },
    handler: ({ params }) => service.getVenue(kernel, params.venue_id),
  })
}

const NewVenue = Type.Object({ name: Text(100, { examples: ['Gym A'] }), capacity: Capacity, ...optionalFields })
const VenueChange = Type.Object({
  name: Type.Optional(Text(100)),
  capacity: Type.Optional(Capacity),
  ...optionalFields,
})

function writeVenues(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: [...v1('/venues'), '/api/admin/venues'],
    permission: write,
    summary: 'Add a venue',
    tag,
    schema: { body: NewVenue, response: { 201: Venue } },
    handler: (request) => {
      const { status, ...fields } = request.body
      return service.addVenue(kernel, callerOf(request), fields, status)
    },
  })

  route(app, {
    method: 'PUT',
    paths: [...v1('/venues/{venue_id}'), '/api/admin/venues/{venue_id}'],
    permission: write,
    summary: 'Change a venue',
    description: 'Fields that are not given stay as they are. A new capacity applies to slots added from now on.',
    tag,
    schema: { params: Params, body: VenueChange, response: { 200: Venue } },
    handler: (request) => {
      const { status, ...fields }: Of<typeof VenueChange> = request.body
      const change: Partial<VenueFields> = fields
      return service.changeVenue(kernel, callerOf(request), request.params.venue_id, change, status)
    },
  })

  acceptUploads(app, (uploads) =>
    route(uploads, {
      method: 'POST',
      paths: [...v1('/venues/{venue_id}/image'), '/api/admin/venues/{venue_id}/image'],
      operationId: 'setVenueImage',
      permission: write,
      summary: 'Set the picture of a venue',
      description: 'Replaces the picture at `image_url`, which accepts `?thumbnail` and `?image_width=`.',
      tag,
      schema: { params: Params, response: { 200: Venue } },
      handler: async (request) => {
        const upload = await uploadedFile(request)
        return await service.setVenueImage(kernel, callerOf(request), request.params.venue_id, upload)
      },
    }),
  )

  route(app, {
    method: 'DELETE',
    paths: [...v1('/venues/{venue_id}'), '/api/admin/venues/{venue_id}'],
    permission: write,
    summary: 'Delete a venue',
    description:
      'Also deletes its slots that have not begun, and ends their waiting lists. While it has upcoming reservations ' +
      'it is refused with `in_use`, unless forced.',
    tag,
    schema: {
      params: Params,
      querystring: Type.Object({ force: Type.Optional(Type.Boolean()) }),
      response: { 204: Deleted },
    },
    handler: (request) =>
      service.removeVenue(kernel, callerOf(request), request.params.venue_id, request.query.force ?? false),
  })
}
