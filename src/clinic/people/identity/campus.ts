import type { Kernel } from '../../../kernel/kernel.ts'
import { callProvider, type HttpAnswer, textOf } from '../../../kernel/notifications/providers/http.ts'
import { Refused } from '../../../kernel/notifications/providers/provider.ts'
import { patientTypeOf } from '../../core/configuration/rules.ts'
import type { PatientType } from '../../core/types.ts'
import { CODES, refusal } from '../../sentences.ts'
import { clinicSettings } from '../../settings.ts'

/** Time in which the campus system must answer; the published client waits for ten seconds. */
const TIMEOUT_MS = 6_000

/** An identity that the campus system has confirmed. */
export interface CampusIdentity {
  readonly identifier: string
  readonly type: PatientType
}

/** Whether a campus system is configured. @throws Invalid `not_configured` if not. */
export function requireCampus(kernel: Pick<Kernel, 'config'>): { readonly url: string; readonly key: string } {
  const { campusUrl: url, campusKey: key } = clinicSettings.of(kernel.config)
  if (url === undefined || key === undefined)
    throw refusal(CODES.request, 'not_configured', '校园身份认证未开通，请携带校园卡到挂号窗口核验')
  return { url, key }
}

/**
 * Asks the campus system about a number and password (docs/clinic.md has the protocol). Undefined if they are wrong. The
 * password is sent there and nowhere else.
 * @throws Invalid `not_configured`, `campus_unavailable`.
 */
export async function askCampus(
  kernel: Kernel,
  credentials: { readonly identifier: string; readonly password: string },
): Promise<CampusIdentity | undefined> {
  const { url, key } = requireCampus(kernel)
  const answer = await callProvider(
    url,
    {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(credentials),
      asks: true,
    },
    TIMEOUT_MS,
  ).catch((error: unknown) => {
    if (!(error instanceof Refused)) throw error
    return undefined
  })
  if (answer?.status === 200 && answer.body.verified === false) return undefined
  const identity = answer && identityIn(answer)
  if (identity) return identity
  // The answer itself is not logged: it may repeat what was sent.
  kernel.log.warn({ status: answer?.status }, 'the campus system did not answer as agreed')
  throw refusal(CODES.request, 'campus_unavailable', '校园身份认证系统暂时不可用，请稍后再试')
}

function identityIn({ status, body }: HttpAnswer): CampusIdentity | undefined {
  const identifier = textOf(body.identifier).trim()
  const type = patientTypeOf(textOf(body.patient_type))
  if (status !== 200 || body.verified !== true || type === undefined) return undefined
  return /^\S{1,50}$/.test(identifier) ? { identifier, type } : undefined
}
