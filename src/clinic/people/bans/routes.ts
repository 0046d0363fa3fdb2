import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate, Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { admin, ids, limits, Moment, moment, paged, whenSet } from '../../fields.ts'
import * as service from './service.ts'
import { HIGH, listRisks, NORMAL, type RiskUser } from './store.ts'

const tag = 'Clinic bans'
const Params = ids('user_id')

const RiskRow = Type.Object({
  user_id: Id,
  username: Type.String(),
  risk_level: Type.Enum(['HIGH', 'NORMAL', 'SAFE']),
  risk_score: Type.Integer({ description: '0 to 100, from the orders of the last 90 days.' }),
  banned: Type.Boolean(),
  ban_type: Nullable(Type.String()),
  ban_until: Nullable(Moment),
})

/** Points of risk for each order of a kind; the same as in the list's SQL. */
const scoreOf = ({ cancelled, timedOut, missed }: RiskUser) => Math.min(100, 3 * cancelled + 5 * timedOut + 10 * missed)

const levelOf = (score: number) => (score >= HIGH ? 'HIGH' : score >= NORMAL ? 'NORMAL' : 'SAFE')

function presentRisk(user: RiskUser, zone: string) {
  const score = scoreOf(user)
  return {
    user_id: user.userId,
    username: user.username,
    risk_level: levelOf(score),
    risk_score: score,
    banned: user.banType !== null,
    ban_type: user.banType,
    ban_until: whenSet(user.banUntil, zone, moment),
  } as const
}

/** Routes against scalpers. */
export function banRoutes(app: App, kernel: Kernel): void {
  reading(app, kernel)
  stats(app, kernel)
  banning(app, kernel)
}

const BanRecord = Type.Object({
  ban_id: Id,
  ban_type: Type.String(),
  ban_until: Nullable(Moment),
  reason: Type.String(),
  is_active: Type.Boolean(),
  create_time: Moment,
  unban_time: Nullable(Moment),
  unban_reason: Nullable(Type.String()),
})

function reading(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: admin('/anti-scalper/users'),
    operationId: 'listRiskyUsers',
    permission: 'clinic:people',
    summary: 'List users by the risk that they are scalpers',
    tag,
    schema: {
      querystring: paged({
        user_type: Type.Optional(Type.Enum(['high', 'normal', 'low', 'banned'])),
        query: Type.Optional(Type.String({ maxLength: 100 })),
      }),
      response: { 200: Answer(Type.Object({ users: Type.Array(RiskRow), total: Type.Integer() })) },
    },
    handler: async (request) => {
      const { user_type: kind, query: text, ...page } = request.query
      const now = kernel.clock.now()
      const users = await kernel.withRetries((db) => listRisks(db, { kind, text, ...limits(page) }, now))
      return answer({ users: users.map((user) => presentRisk(user, zone)), total: users[0]?.total ?? 0 })
    },
  })
  route(app, {
    method: 'GET',
    paths: admin('/anti-scalper/users/{user_id}'),
    operationId: 'getRiskyUser',
    permission: 'clinic:people',
    summary: 'Read a user’s risk and bans',
    tag,
    schema: {
      params: Params,
      response: {
        200: Answer(
          Type.Object({
            ...RiskRow.properties,
            ban_active: Type.Boolean(),
            ban_reason: Nullable(Type.String()),
            ban_records: Type.Array(BanRecord),
          }),
        ),
      },
    },
    handler: async (request) => {
      const { risk, bans } = await service.riskOf(kernel, request.params.user_id)
      return answer({
        ...presentRisk(risk, zone),
        ban_active: risk.banType !== null,
        ban_reason: risk.banReason,
        ban_records: bans.map((ban) => ({
          ban_id: ban.banId,
          ban_type: ban.type,
          ban_until: whenSet(ban.until, zone, moment),
          reason: ban.reason,
          is_active: ban.isActive,
          create_time: moment(ban.createTime, zone),
          unban_time: whenSet(ban.unbanTime, zone, moment),
          unban_reason: ban.unbanReason,
        })),
      })
    },
  })
}

function stats(app: App, kernel: Kernel): void {
  const Count = Type.Integer()
  route(app, {
    method: 'GET',
    paths: admin('/anti-scalper/users/{user_id}/stats'),
    operationId: 'getRiskyUserStats',
    permission: 'clinic:people',
    summary: 'Count a user’s orders by state',
    tag,
    schema: {
      params: Params,
      querystring: Type.Object({ start_date: Type.Optional(LocalDate), end_date: Type.Optional(LocalDate) }),
      response: {
        200: Answer(
          Type.Object({
            total_registrations: Count,
            register_count: Count,
            total_cancellations: Count,
            cancel_count: Count,
            cancellation_rate: Type.Number(),
            total_completed: Count,
            total_no_show: Count,
            total_confirmed: Count,
            total_pending: Count,
            total_waitlist: Count,
            login_count: Count,
          }),
        ),
      },
    },
    handler: async (request) => {
      const { start_date: from = null, end_date: to = null } = request.query
      const { counts, logIns } = await service.statsOf(kernel, request.params.user_id, { from, to })
      const of = (status: string) => counts.get(status) ?? 0
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
      const cancelled = of('cancelled') + of('timeout')
      return answer({
        total_registrations: total,
        register_count: total,
        total_cancellations: cancelled,
        cancel_count: cancelled,
        cancellation_rate: total === 0 ? 0 : Math.round((cancelled / total) * 10_000) / 10_000,
        total_completed: of('completed'),
        total_no_show: of('no_show'),
        total_confirmed: of('confirmed'),
        total_pending: of('pending'),
        total_waitlist: of('waitlist'),
        login_count: logIns,
      })
    },
  })
}

function banning(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: admin('/anti-scalper/ban'),
    operationId: 'banClinicUser',
    permission: 'clinic:people',
    summary: 'Ban a user from registering, from logging in, or from both',
    description: '`duration_days` 0: for ever.',
    tag,
    schema: {
      body: Type.Object({
        user_id: Id,
        ban_type: Type.Enum(['register', 'login', 'all']),
        duration_days: Type.Optional(Type.Integer({ minimum: 0, maximum: 3650, default: 0 })),
        reason: Text(500),
      }),
      response: { 200: Detail },
    },
    handler: async (request) => {
      const { user_id: userId, ban_type: type, duration_days: days = 0, reason } = request.body
      await service.banUser(kernel, callerOf(request), { userId, type, days, reason })
      return detail('封禁成功')
    },
  })
  route(app, {
    method: 'POST',
    paths: admin('/anti-scalper/unban'),
    operationId: 'unbanClinicUser',
    permission: 'clinic:people',
    summary: 'Lift the ban of a user',
    tag,
    schema: { body: Type.Object({ user_id: Id, reason: Text(500) }), response: { 200: Detail } },
    handler: async (request) => {
      await service.unbanUser(kernel, callerOf(request), request.body.user_id, request.body.reason)
      return detail('解封成功')
    },
  })
}
