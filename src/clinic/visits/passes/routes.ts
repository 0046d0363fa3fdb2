import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import type { PassLimit, PassScope } from '../../core/passes/store.ts'
import { admin, Moment, moment, whenSet } from '../../fields.ts'
import { CODES, refusal } from '../../sentences.ts'
import { changePassLimit, readPassLimit } from './service.ts'

const tag = 'Clinic configuration'

const Scope = {
  scope_type: Type.Optional(Type.Enum(['GLOBAL', 'DOCTOR'], { description: 'Default GLOBAL.' })),
  scope_id: Type.Optional(
    Nullable(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'The doctor.' })),
  ),
}

const Limit = Answer(
  Type.Object({
    maxPassCount: Type.Integer({ description: 'At this pass a patient counts as absent.' }),
    source: Type.Enum(['DOCTOR', 'GLOBAL', 'DEFAULT'], { description: 'The level at which it is set.' }),
    description: Type.String(),
    updateTime: Nullable(Moment),
  }),
)

const SOURCES = { DOCTOR: '医生个人设置', GLOBAL: '全院设置', DEFAULT: '系统默认值' } as const

/** The scope that a request names. @throws Invalid 99 for a doctor without an id. */
function scopeOf({ scope_type: level = 'GLOBAL', scope_id: id }: ScopeQuery): PassScope {
  if (level === 'GLOBAL') return { level, id: 0 }
  if (!id) throw refusal(CODES.request, 'scope_missing', '缺少 scope_id：请指定医生')
  return { level, id }
}

interface ScopeQuery {
  readonly scope_type?: 'GLOBAL' | 'DOCTOR'
  readonly scope_id?: number | null
}

const present = ({ most, source, description, updateTime }: PassLimit, zone: string) =>
  answer({
    maxPassCount: most,
    source,
    description: description ?? SOURCES[source],
    updateTime: whenSet(updateTime, zone, moment),
  })

/** Routes of the number of passes after which a patient counts as absent. */
export function passLimitRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: admin('/consultation/config'),
    operationId: 'getConsultationConfiguration',
    permission: 'clinic:manage',
    summary: 'Read how often a patient may be passed: of a doctor, or of the hospital',
    description: 'That of the doctor, else that of the hospital, else 3.',
    tag,
    schema: { querystring: Type.Object(Scope), response: { 200: Limit } },
    handler: async (request) => present(await readPassLimit(kernel, scopeOf(request.query)), zone),
  })
  route(app, {
    method: 'PUT',
    paths: admin('/consultation/config'),
    operationId: 'changeConsultationConfiguration',
    permission: 'clinic:manage',
    summary: 'Change how often a patient may be passed: of a doctor, or of the hospital',
    description: 'Null takes the setting away, so that the next level decides.',
    tag,
    schema: {
      body: Type.Object({
        ...Scope,
        max_pass_count: Nullable(Type.Integer({ minimum: 1, maximum: 10 })),
        description: Type.Optional(Nullable(Type.String({ maxLength: 200 }))),
      }),
      response: { 200: Limit },
    },
    handler: async (request) => {
      const { max_pass_count: most, description = null } = request.body
      const change = { most, description: description || null }
      return present(await changePassLimit(kernel, callerOf(request), scopeOf(request.body), change), zone)
    },
  })
}
