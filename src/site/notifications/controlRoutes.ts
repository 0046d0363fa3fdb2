import { Type } from 'typebox'
import { originOf } from '../../kernel/audit/origin.ts'
import { NotFound } from '../../kernel/errors.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import {
  Id,
  IdParams,
  Instant,
  LocalDate,
  Nullable,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
  Text,
} from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { listHolidays, loadPolicy } from '../../kernel/notifications/delivery/policyStore.ts'
import { liftSuppression, listSuppressions } from '../../kernel/notifications/delivery/suppressions.ts'
import { removeContact, setContact } from '../../kernel/notifications/people/contacts.ts'
import * as administration from '../../kernel/notifications/texts/administration.ts'
import { record } from '../../kernel/outbox/outbox.ts'
import { Deleted } from '../fields.ts'
import { v1 } from '../paths.ts'
import { ChannelName, MANAGE } from './schemas.ts'

const tag = 'Notification controls'
const permission = MANAGE
const path = '/api/admin/notifications'

const Time = Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', maxLength: 5, examples: ['22:00'] })
const Cap = Nullable(
  Type.Object({
    limit: Type.Integer({ minimum: 1, maximum: 1000 }),
    hours: Type.Integer({ minimum: 1, maximum: 744 }),
  }),
)
const Controls = Type.Object(
  {
    quiet_hours: Nullable(Type.Object({ start: Time, end: Time })),
    caps: Type.Object(
      { reservation: Cap, account: Cap, notice: Cap, system: Cap },
      { description: 'At most `limit` messages of a category to one person within `hours`; null means no limit.' },
    ),
  },
  { title: 'NotificationControls' },
)
const Holiday = Type.Object({ date: LocalDate, name: Type.String() }, { title: 'Holiday' })

/** Routes for quiet hours, frequency caps, holidays, unusable addresses and names at WeCom. */
export function notificationControlRoutes(app: App, kernel: Kernel): void {
  const controls = async () => {
    const { quietHours, caps } = await loadPolicy(kernel.db)
    return { quiet_hours: quietHours, caps }
  }

  route(app, {
    method: 'GET',
    paths: [`${path}/controls`],
    operationId: 'getNotificationControls',
    permission,
    summary: 'Read quiet hours and frequency caps',
    tag,
    schema: { response: { 200: Controls } },
    handler: controls,
  })

  route(app, {
    method: 'PUT',
    paths: [`${path}/controls`],
    operationId: 'updateNotificationControls',
    permission,
    summary: 'Set quiet hours and frequency caps',
    description:
      'Messages that are not urgent wait until they are allowed. Nothing is dropped, and the inbox has them at ' +
      'once. Times are local.',
    tag,
    schema: { body: Controls, response: { 200: Controls } },
    handler: async (request) => {
      const { quiet_hours: quietHours, caps } = request.body
      await administration.changePolicy(kernel, callerOf(request), { quietHours, caps })
      return controls()
    },
  })

  holidays(app, kernel)
  suppressions(app, kernel)
  contacts(app, kernel)
}

function holidays(app: App, kernel: Kernel): void {
  const HolidayParams = Type.Object({ date: LocalDate })

  route(app, {
    method: 'GET',
    paths: [`${path}/holidays`],
    permission,
    summary: 'List the public holidays of a year',
    tag,
    schema: {
      querystring: Type.Object({ year: Type.Integer({ minimum: 1900, maximum: 2199, examples: [2026] }) }),
      response: { 200: Type.Object({ items: Type.Array(Holiday) }) },
    },
    handler: async ({ query: { year } }) => ({
      items: await listHolidays(kernel.db, `${year}-01-01`, `${year}-12-31`),
    }),
  })

  route(app, {
    method: 'PUT',
    paths: [`${path}/holidays/{date}`],
    operationId: 'setHoliday',
    permission,
    summary: 'Make a day a public holiday',
    description: 'Messages that are not urgent wait until the next ordinary day, after its quiet hours.',
    tag,
    schema: { params: HolidayParams, body: Type.Object({ name: Text(100) }), response: { 200: Holiday } },
    handler: async (request) => {
      const holiday = { date: request.params.date, name: request.body.name }
      await administration.putHoliday(kernel, callerOf(request), holiday)
      return holiday
    },
  })

  route(app, {
    method: 'DELETE',
    paths: [`${path}/holidays/{date}`],
    permission,
    summary: 'Make a public holiday an ordinary day again',
    tag,
    schema: { params: HolidayParams, response: { 204: Deleted } },
    handler: async (request) => {
      await administration.deleteHoliday(kernel, callerOf(request), request.params.date)
      return null
    },
  })
}

const Suppression = Type.Object(
  {
    id: Id,
    channel: ChannelName,
    address: Type.String({ description: 'Masked.' }),
    reason: Type.String(),
    user_id: Nullable(Id),
    created_at: Instant,
  },
  { title: 'Suppression' },
)

function suppressions(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: [`${path}/suppressions`],
    permission,
    summary: 'List addresses that are no longer used',
    tag,
    schema: { querystring: pageQuery(['id'], {}, '-id'), response: { 200: pageOf(Suppression) } },
    handler: async ({ query }) => {
      const page = pageAsked(query)
      const { items, total } = await listSuppressions(kernel.db, page)
      const shown = items.map(({ id, channel, masked, reason, userId, createdAt }) => ({
        ...{ id, channel, address: masked, reason, user_id: userId, created_at: createdAt.toISOString() },
      }))
      return pageAnswer(shown, total, query)
    },
  })

  route(app, {
    method: 'DELETE',
    paths: [`${path}/suppressions/{id}`],
    permission,
    summary: 'Try an address again',
    tag,
    schema: { params: IdParams, response: { 204: Deleted } },
    handler: async (request) => {
      const { id } = request.params
      await kernel.transaction(async (tx) => {
        if (!(await liftSuppression(tx, id))) throw new NotFound('not_found', 'There is no such entry.')
        const operation = { action: 'suppression.lift', resource: 'suppression', resourceId: id }
        await record(tx, kernel.clock.now(), { ...originOf(callerOf(request)), ...operation })
      })
      kernel.nudge()
      return null
    },
  })
}

function contacts(app: App, kernel: Kernel): void {
  const paths = v1('/users/{user_id}/contacts/wecom')
  const params = Type.Object({ user_id: Id })

  route(app, {
    method: 'PUT',
    paths,
    operationId: 'setUserWecomName',
    permission: 'site:users.write',
    summary: 'Set a person’s name at WeCom',
    tag,
    schema: {
      params,
      body: Type.Object({
        member_id: Type.String({ pattern: '^[\\w.@-]{1,64}$', maxLength: 64, examples: ['zhangsan'] }),
      }),
      response: { 200: Type.Object({ user_id: Id, member_id: Type.String() }) },
    },
    handler: async (request) => {
      const { user_id: userId } = request.params
      const { member_id: memberId } = request.body
      await setContact(kernel, callerOf(request), { userId, kind: 'wecom' }, memberId)
      return { user_id: userId, member_id: memberId }
    },
  })

  route(app, {
    method: 'DELETE',
    paths,
    operationId: 'deleteUserWecomName',
    permission: 'site:users.write',
    summary: 'Delete a person’s name at WeCom',
    tag,
    schema: { params, response: { 204: Deleted } },
    handler: async (request) => {
      await removeContact(kernel, callerOf(request), { userId: request.params.user_id, kind: 'wecom' })
      return null
    },
  })
}
