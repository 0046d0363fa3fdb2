import { Type } from 'typebox'
import { Invalid } from '../../../kernel/errors.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { idempotent } from '../../../kernel/http/request/idempotency.ts'
import { route } from '../../../kernel/http/route.ts'
import { IdParams, Nullable, type Of, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, Done, data, done } from '../../contract.ts'
import { createBooking } from '../../core/booking.ts'
import { BookingBody, Purpose, requestOf, UserIds } from '../../core/bookingSchemas.ts'
import { BOOKING_STATES } from '../../core/states.ts'
import { Id, MANAGE, MomentInput, PORTAL, parseInstant } from '../../fields.ts'
import { cancelBooking, editBooking, endEarly, forceCancel, leaveBooking } from './service.ts'

const staff = { tag: 'Room bookings (staff)' } as const
const portal = { tag: 'Room portal' } as const

/** Pages send whole rows back, including nulls: absent and null fields keep their value. */
const Edit = Type.Object({
  roomId: Type.Optional(Nullable(Id)),
  purpose: Type.Optional(Nullable(Purpose)),
  startTime: Type.Optional(Nullable(MomentInput)),
  endTime: Type.Optional(Nullable(MomentInput)),
  userIdList: Type.Optional(Nullable(UserIds)),
})

const End = Nullable(Type.Object({ endTime: Type.Optional(Nullable(MomentInput)) }))

const Reason = Type.Object({ reason: Type.Optional(Nullable(Text(200))) })

const BookedAnswer = Data(
  Type.Object({
    id: Id,
    status: Type.Enum([...BOOKING_STATES]),
    doubleBooked: Type.Array(Type.String(), {
      description: 'Names of people who take part in another booking at that time, if the setting warns of it.',
    }),
  }),
)

/** The two places where people use bookings, with the permission for each use. */
const DOORS = [
  {
    door: 'manage',
    base: MANAGE,
    ...staff,
    add: 'manage:facility:booking:add',
    edit: 'manage:facility:booking:edit',
    cancel: 'manage:facility:booking:cancel',
  },
  { door: 'portal', base: PORTAL, ...portal, add: 'signed-in', edit: 'signed-in', cancel: 'signed-in' },
] as const

/** Routes for making, changing, ending and cancelling bookings, for staff and in the portal. */
export function bookingRoutes(app: App, kernel: Kernel): void {
  for (const door of DOORS) {
    makeAndChange(app, kernel, door)
    endAndCancel(app, kernel, door)
  }
  route(app, {
    method: 'DELETE',
    paths: [`${MANAGE}/booking/{id}/force`],
    operationId: 'cancelBookingWithReason',
    permission: 'manage:facility:booking:cancel',
    summary: 'Cancel any booking, with a reason',
    description: 'Includes an ongoing booking. Its people see the reason, which is in the query or in the body.',
    ...staff,
    schema: {
      params: IdParams,
      querystring: Type.Object({ reason: Type.Optional(Text(200)) }),
      body: Nullable(Reason),
      response: { 200: Done },
    },
    handler: async (request) => {
      const body: Of<typeof Reason> = request.body ?? {}
      const reason = request.query.reason ?? body.reason ?? null
      if (reason === null) {
        const errors = [{ in: 'body', path: '/reason', message: 'is required' }] as const
        throw new Invalid('validation', 'The request is not valid.', { errors })
      }
      await forceCancel(kernel, callerOf(request), request.params.id, reason)
      return done
    },
  })
  route(app, {
    method: 'PUT',
    paths: [`${PORTAL}/booking/{id}/leave`],
    permission: 'signed-in',
    summary: 'Withdraw from a booking I take part in',
    description: 'Before it begins, and if at least three people stay.',
    ...portal,
    schema: { params: IdParams, response: { 200: Done } },
    handler: async (request) => {
      await leaveBooking(kernel, callerOf(request), request.params.id)
      return done
    },
  })
}

/** Part of an operation's name that distinguishes the portal's operations from those of staff. */
function mine(door: (typeof DOORS)[number]['door']): string {
  return door === 'portal' ? 'My' : ''
}

function makeAndChange(app: App, kernel: Kernel, { door, base, tag, add, edit }: (typeof DOORS)[number]): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'POST',
    paths: [`${base}/booking`],
    operationId: door === 'portal' ? 'bookRoom' : 'bookRoomAsStaff',
    permission: add,
    summary: 'Book a room',
    description:
      'State `0` (pending) or `1` (approved), depending on the audit setting. Every refusal is a `code` of 500 ' +
      'whose `msg` gives the reason; for a time that is taken, it names the taken span.',
    tag,
    idempotent: true,
    schema: { body: BookingBody, response: { 200: BookedAnswer } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) =>
        data(await createBooking(kernel, callerOf(request), requestOf(request.body, zone))),
      ),
  })
  route(app, {
    method: 'PUT',
    paths: [`${base}/booking/{id}`],
    operationId: `update${mine(door)}Booking`,
    permission: edit,
    summary: 'Change my booking before it begins',
    description:
      'For the applicant, within the rules of a new booking. Fields that are absent or null keep their value. A ' +
      'rejected booking becomes pending (or approved) again. If audit is on, an approved booking at another time or ' +
      'in another room must be decided again.',
    tag,
    schema: { params: IdParams, body: Edit, response: { 200: BookedAnswer } },
    handler: async (request) =>
      data(await editBooking(kernel, callerOf(request), door, request.params.id, editOf(request.body, zone))),
  })
}

function endAndCancel(app: App, kernel: Kernel, { door, base, tag, edit, cancel }: (typeof DOORS)[number]): void {
  route(app, {
    method: 'PUT',
    paths: [`${base}/booking/{id}/end-early`],
    operationId: `end${mine(door)}Booking`,
    permission: edit,
    summary: 'End an ongoing booking',
    description:
      'At `endTime`, or now if that is past or absent; never later than before. The rest of its time is free at ' +
      'once. A booking that has not begun gets 409.',
    tag,
    schema: { params: IdParams, body: End, response: { 200: Done } },
    handler: async (request) => {
      const { endTime }: NonNullable<Of<typeof End>> = request.body ?? {}
      const end = instantOf(endTime, kernel.config.timeZone) ?? null
      await endEarly(kernel, callerOf(request), door, request.params.id, end)
      return done
    },
  })
  route(app, {
    method: 'DELETE',
    paths: [`${base}/booking/{id}`],
    operationId: `cancel${mine(door)}Booking`,
    permission: cancel,
    summary: 'Cancel a booking before it begins',
    description:
      door === 'manage'
        ? 'Your own, or another person’s, which is recorded as cancelled by staff. Its people are told.'
        : 'For the applicant.',
    tag,
    schema: { params: IdParams, response: { 200: Done } },
    handler: async (request) => {
      await cancelBooking(kernel, callerOf(request), door, request.params.id)
      return done
    },
  })
}

function editOf({ roomId, purpose, startTime, endTime, userIdList }: Of<typeof Edit>, zone: string) {
  return {
    roomId: roomId ?? undefined,
    purpose: purpose ?? undefined,
    start: instantOf(startTime, zone),
    end: instantOf(endTime, zone),
    userIds: userIdList ?? undefined,
  }
}

function instantOf(text: string | null | undefined, zone: string): Date | undefined {
  return text == null ? undefined : parseInstant(text, zone)
}
