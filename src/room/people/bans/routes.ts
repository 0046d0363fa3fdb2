import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { IdParams, Nullable, type Of, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Data, Done, data, done, Rows, rowsOf } from '../../contract.ts'
import { PROPOSED_BAN_DAYS } from '../../core/bans/rules.ts'
import { BAN } from '../../core/bans/service.ts'
import { BAN_STATES, type Ban } from '../../core/bans/store.ts'
import {
  Id,
  listQuery,
  MANAGE,
  Moment,
  MomentInput,
  moment,
  NullableMoment,
  nullableMoment,
  pageOf,
  parseInstant,
} from '../../fields.ts'
import { type BanAnswer, ban, confirmBan, liftBan } from './service.ts'
import { listBans } from './store.ts'

const tag = 'Room bans'

const Status = Type.Enum([...BAN_STATES], { description: '0 in force, 1 ended, 2 proposed after no-shows.' })

const BanRow = Type.Object(
  {
    id: Id,
    userId: Id,
    username: Type.String(),
    nickname: Type.String(),
    reason: Type.String(),
    status: Status,
    expireTime: NullableMoment,
    cancelFuture: Type.Boolean(),
    createTime: Moment,
    updateTime: NullableMoment,
  },
  { title: 'RoomBan' },
)

const Effect = Data(Type.Object({ id: Id, cancelledBookings: Type.Array(Id) }))

const Expiry = Type.Optional(Nullable(MomentInput))
const CancelFuture = Type.Optional(Nullable(Type.Boolean()))

const BanBody = Type.Object({
  userId: Type.Optional(Nullable(Id)),
  username: Type.Optional(Nullable(Type.String({ maxLength: 100 }))),
  reason: Text(500),
  expireTime: Expiry,
  cancelFuture: CancelFuture,
})

const Confirmation = Nullable(Type.Object({ expireTime: Expiry, cancelFuture: CancelFuture }))

function presentBan(ban: Ban, zone: string): Of<typeof BanRow> {
  return {
    ...ban,
    expireTime: nullableMoment(ban.expireTime, zone),
    createTime: moment(ban.createTime, zone),
    updateTime: nullableMoment(ban.updateTime, zone),
  }
}

const presentEffect = ({ id, cancelled }: BanAnswer) => data({ id, cancelledBookings: [...cancelled] })

/** Routes for bans. */
export function banRoutes(app: App, kernel: Kernel): void {
  listRoutes(app, kernel)
  decisionRoutes(app, kernel)
}

function listRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/ban/list`],
    permission: 'manage:facility:ban:list',
    summary: 'List bans',
    description: 'Latest first. A ban that has expired counts as ended.',
    tag,
    schema: {
      querystring: listQuery(['createTime', 'id', 'userId', 'expireTime'], {
        status: Type.Optional(Status),
        userId: Type.Optional(Id),
        username: Type.Optional(Text(100)),
      }),
      response: { 200: Rows(BanRow) },
    },
    handler: async ({ query }) => {
      const page = pageOf(query, { sort: 'createTime', descending: true })
      return rowsOf(await listBans(kernel.db, query, page, kernel.clock.now()), (ban) => presentBan(ban, zone))
    },
  })
}

function decisionRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'POST',
    paths: [`${MANAGE}/ban`],
    operationId: 'banPerson',
    permission: BAN,
    summary: 'Ban a person',
    description:
      'By `userId`, or else by `username`. Without `expireTime` the ban has no end. `cancelFuture` also cancels the ' +
      'person’s own bookings that have not begun. Others’ bookings that they take part in stay, but can’t be ' +
      'approved or changed with the person in them.',
    tag,
    schema: { body: BanBody, response: { 200: Effect } },
    handler: async (request) => {
      const { userId, username, reason, expireTime, cancelFuture }: Of<typeof BanBody> = request.body
      const answer = await ban(kernel, callerOf(request), {
        userId: userId ?? null,
        username: username?.trim() || null,
        reason,
        expireTime: expireTime ? parseInstant(expireTime, zone) : null,
        cancelFuture: cancelFuture ?? false,
      })
      return presentEffect(answer)
    },
  })
  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/ban/{id}/confirm`],
    permission: BAN,
    summary: 'Confirm a proposed ban',
    description: `For ${PROPOSED_BAN_DAYS} days, unless \`expireTime\` is given; null means no end.`,
    tag,
    schema: { params: IdParams, body: Confirmation, response: { 200: Effect } },
    handler: async (request) => {
      const { expireTime, cancelFuture }: NonNullable<Of<typeof Confirmation>> = request.body ?? {}
      const answer = await confirmBan(kernel, callerOf(request), request.params.id, {
        expireTime: typeof expireTime === 'string' ? parseInstant(expireTime, zone) : expireTime,
        cancelFuture: cancelFuture ?? false,
      })
      return presentEffect(answer)
    },
  })
  route(app, {
    method: 'DELETE',
    paths: [`${MANAGE}/ban/{id}`],
    operationId: 'liftBan',
    permission: 'manage:facility:ban:remove',
    summary: 'Lift a ban, or dismiss a proposed one',
    tag,
    schema: { params: IdParams, response: { 200: Done } },
    handler: async (request) => {
      await liftBan(kernel, callerOf(request), request.params.id)
      return done
    },
  })
}
