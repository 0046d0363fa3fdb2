import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Nullable, Text } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { PATIENT_TYPES } from '../../core/types.ts'
import { admin, ids } from '../../fields.ts'
import { type Confirmed, verifyByCard, verifyIdentity } from './service.ts'

const tag = 'Clinic patients'
const PatientTypeField = Type.Enum([...PATIENT_TYPES])

const Verified = Answer(
  Type.Object({
    status: Type.Literal('verified'),
    verified: Type.Literal(true),
    patient_type: PatientTypeField,
    identifier: Nullable(Type.String()),
    discount: Type.Number({ description: 'The factor of prices.' }),
    detail: Type.String(),
  }),
)

const present = ({ type, identifier, discount }: Confirmed, detail: string) =>
  answer({
    status: 'verified' as const,
    verified: true as const,
    ...{ patient_type: type, identifier, discount, detail },
  })

/** Routes that confirm who a patient is at the university. */
export function identityRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/patient/identity/verify'],
    operationId: 'verifyMyIdentity',
    permission: 'signed-in',
    summary: 'Confirm your identity by your account at the campus system',
    description: 'Five tries in 15 minutes. The password is sent to the campus system and kept nowhere.',
    tag,
    limit: 'login',
    schema: {
      body: Type.Object({ identifier: Text(50), password: Type.String({ minLength: 1, maxLength: 256 }) }),
      response: { 200: Verified },
    },
    handler: async (request) => {
      const { identifier, password } = request.body
      const confirmed = await verifyIdentity(kernel, callerOf(request), { identifier: identifier.trim(), password })
      return present(confirmed, '身份认证成功')
    },
  })
  route(app, {
    method: 'POST',
    paths: admin('/patients/{patient_id}/verify'),
    operationId: 'verifyPatientByCard',
    permission: 'clinic:desk',
    summary: 'Confirm the identity of a patient whose card you have seen',
    description: '校外 needs no `identifier`; it also ends an identity that is over.',
    tag,
    schema: {
      params: ids('patient_id'),
      body: Type.Object({ patient_type: PatientTypeField, identifier: Type.Optional(Nullable(Text(50))) }),
      response: { 200: Verified },
    },
    handler: async (request) => {
      const { patient_type: type, identifier: given } = request.body
      const identifier = given?.trim() ?? null
      const { patient_id: id } = request.params
      return present(await verifyByCard(kernel, callerOf(request), id, { identifier, type }), '身份核验成功')
    },
  })
}
