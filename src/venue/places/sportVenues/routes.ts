import { Type } from 'typebox'
import { acceptUploads, uploadedFile } from '../../../kernel/files/upload.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Instant, Nullable, pageAnswer, pageAsked, pageOf, pageQuery, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Deleted, ImageUrl } from '../../../site/fields.ts'
import { v1 } from '../../../site/paths.ts'
import * as service from './service.ts'
import { listSportVenues } from './store.ts'

const tag = 'Sport venues'
const write = 'venue:catalogue.write'
const Params = Type.Object({ sport_venue_id: Id })

const SportVenue = Type.Object(
  {
    id: Id,
    name: Type.String(),
    type: Nullable(Type.String()),
    location: Nullable(Type.String()),
    description: Nullable(Type.String()),
    image_url: Nullable(Type.String()),
    venue_count: Type.Integer({ description: 'Number of its venues.' }),
    created_at: Instant,
    updated_at: Instant,
  },
  { title: 'SportVenue' },
)

const optionalFields = {
  type: Type.Optional(Nullable(Text(50, { examples: ['体育馆'] }))),
  location: Type.Optional(Nullable(Text(200))),
  description: Type.Optional(Nullable(Text(5000))),
  image_url: Type.Optional(Nullable(ImageUrl)),
}

/** Routes of sport venues, the buildings and grounds that contain venues. */
export function sportVenueRoutes(app: App, kernel: Kernel): void {
  allSportVenues(app, kernel)
  oneSportVenue(app, kernel)
}

function allSportVenues(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/sport-venues'),
    permission: 'public',
    summary: 'List sport venues',
    tag,
    schema: {
      querystring: pageQuery(['name', 'created_at', 'id'], {
        type: Type.Optional(Text(50)),
        location: Type.Optional(Text(200)),
        q: Type.Optional(Text(100)),
      }),
      response: { 200: pageOf(SportVenue) },
    },
    handler: async ({ query }) => {
      const { items, total } = await listSportVenues(kernel.db, query, pageAsked(query))
      return pageAnswer(items, total, query)
    },
  })

  route(app, {
    method: 'POST',
    paths: v1('/sport-venues'),
    permission: write,
    summary: 'Add a sport venue',
    tag,
    schema: { body: Type.Object({ name: Text(100), ...optionalFields }), response: { 201: SportVenue } },
    handler: (request) => service.addSportVenue(kernel, callerOf(request), request.body),
  })
}

function oneSportVenue(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: v1('/sport-venues/{sport_venue_id}'),
    permission: 'public',
    summary: 'Read a sport venue',
    tag,
    schema: { params: Params, response: { 200: SportVenue } },
    handler: ({ params }) => service.getSportVenue(kernel, params.sport_venue_id),
  })

  route(app, {
    method: 'PUT',
    paths: v1('/sport-venues/{sport_venue_id}'),
    permission: write,
    summary: 'Change a sport venue',
    description: 'Fields that are not given stay as they are.',
    tag,
    schema: {
      params: Params,
      body: Type.Object({ name: Type.Optional(Text(100)), ...optionalFields }),
      response: { 200: SportVenue },
    },
    handler: (request) =>
      service.changeSportVenue(kernel, callerOf(request), request.params.sport_venue_id, request.body),
  })

  acceptUploads(app, (uploads) =>
    route(uploads, {
      method: 'POST',
      paths: v1('/sport-venues/{sport_venue_id}/image'),
      operationId: 'setSportVenueImage',
      permission: write,
      summary: 'Set the picture of a sport venue',
      description: 'Replaces the picture at `image_url`, which accepts `?thumbnail` and `?image_width=`.',
      tag,
      schema: { params: Params, response: { 200: SportVenue } },
      handler: async (request) => {
        const upload = await uploadedFile(request)
        return await service.setSportVenueImage(kernel, callerOf(request), request.params.sport_venue_id, upload)
      },
    }),
  )

  route(app, {
    method: 'DELETE',
    paths: v1('/sport-venues/{sport_venue_id}'),
    permission: write,
    summary: 'Delete a sport venue',
    description: 'Refused with `in_use` while it has venues.',
    tag,
    schema: { params: Params, response: { 204: Deleted } },
    handler: (request) => service.removeSportVenue(kernel, callerOf(request), request.params.sport_venue_id),
  })
}
