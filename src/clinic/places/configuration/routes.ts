import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { RANGES, TIMES } from '../../core/configuration/rules.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import { PATIENT_TYPES } from '../../core/types.ts'
import { admin } from '../../fields.ts'
import { CODES, refusal } from '../../sentences.ts'
import { changeConfiguration } from './service.ts'

const tag = 'Clinic configuration'

const number = (key: keyof typeof RANGES) => {
  const [minimum, maximum] = RANGES[key]
  return Type.Integer({ minimum, maximum })
}
const time = (key: keyof typeof TIMES) => Type.String({ description: `${TIMES[key]}, HH:mm`, examples: ['08:00'] })

const Registration = Type.Object({
  advanceBookingDays: number('advanceBookingDays'),
  sameDayDeadline: time('sameDayDeadline'),
  noShowLimit: number('noShowLimit'),
  cancelHoursBefore: number('cancelHoursBefore'),
  sameClinicInterval: number('sameClinicInterval'),
  paymentTimeoutMinutes: number('paymentTimeoutMinutes'),
  maxAppointmentsPerPeriod: number('maxAppointmentsPerPeriod'),
  appointmentPeriodDays: number('appointmentPeriodDays'),
  releaseTime: time('releaseTime'),
})

const Schedule = Type.Object({
  maxFutureDays: number('maxFutureDays'),
  morningStart: time('morningStart'),
  morningEnd: time('morningEnd'),
  afternoonStart: time('afternoonStart'),
  afternoonEnd: time('afternoonEnd'),
  eveningStart: time('eveningStart'),
  eveningEnd: time('eveningEnd'),
  consultationDuration: number('consultationDuration'),
  intervalTime: number('intervalTime'),
})

const Discounts = Type.Object(
  Object.fromEntries(PATIENT_TYPES.map((type) => [type, Type.Number({ minimum: 0, maximum: 1 })])),
)

/** The service checks the keys and values: its sentences name the first fault (seed 4.2). */
const Part = Type.Optional(
  Type.Unsafe<Readonly<Record<string, unknown>>>({
    type: 'object',
    maxProperties: 50,
    additionalProperties: {
      type: ['number', 'string', 'boolean', 'null'],
      minimum: -1_000_000,
      maximum: 1_000_000,
      maxLength: 100,
    },
    description: 'Only the keys to change. Unknown keys are refused.',
  }),
)

const Change = Type.Object({
  registration: Part,
  schedule: Part,
  patientIdentityDiscounts: Part,
})

/** Routes of the rules of registration and schedules. */
export function configurationRoutes(app: App, kernel: Kernel): void {
  const read = () => kernel.withRetries(readConfiguration)
  route(app, {
    method: 'GET',
    paths: admin('/config'),
    operationId: 'getClinicConfiguration',
    permission: 'clinic:manage',
    summary: 'Read the rules of registration and schedules',
    tag,
    schema: {
      response: {
        200: Answer(
          Type.Object({ registration: Registration, schedule: Schedule, patientIdentityDiscounts: Discounts }),
        ),
      },
    },
    handler: async () => answer(await read()),
  })
  route(app, {
    method: 'PUT',
    paths: admin('/config'),
    operationId: 'changeClinicConfiguration',
    permission: 'clinic:manage',
    summary: 'Change rules of registration and schedules',
    tag,
    schema: { body: Type.Unsafe<Record<string, unknown>>({ ...Change }), response: { 200: Detail } },
    handler: async (request) => {
      const unknown = Object.keys(request.body).find((key) => !(key in Change.properties))
      if (unknown !== undefined) throw refusal(CODES.request, 'bad_configuration', `未知的配置项：${unknown}`)
      await changeConfiguration(kernel, callerOf(request), request.body)
      return detail('配置更新成功')
    },
  })
  route(app, {
    method: 'GET',
    paths: admin('/patient-identity-discounts'),
    permission: 'clinic:manage',
    summary: 'Read the factors of the price for each identity',
    tag,
    schema: { response: { 200: Answer(Discounts) } },
    handler: async () => answer((await read()).patientIdentityDiscounts),
  })
  route(app, {
    method: 'PUT',
    paths: admin('/patient-identity-discounts'),
    permission: 'clinic:manage',
    summary: 'Change factors of the price for identities',
    tag,
    schema: {
      body: Type.Unsafe<Readonly<Record<string, unknown>>>({
        type: 'object',
        maxProperties: 10,
        additionalProperties: { type: 'number', minimum: 0, maximum: 1 },
      }),
      response: { 200: Detail },
    },
    handler: async (request) => {
      await changeConfiguration(kernel, callerOf(request), { patientIdentityDiscounts: request.body })
      return detail('折扣更新成功')
    },
  })
}
