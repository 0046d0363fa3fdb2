import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { deletePassLimit, type PassLimit, type PassScope, passLimitOf, setPassLimit } from '../../core/passes/store.ts'
import { missing } from '../../sentences.ts'
import { lockDoctor } from './store.ts'

/** The limit of passes that applies to a scope. */
export async function readPassLimit(kernel: Kernel, scope: PassScope): Promise<PassLimit> {
  return await kernel.withRetries((db) => passLimitOf(db, scope))
}

/**
 * Sets the limit of passes of a scope; without `most` takes it away. Returns the limit that applies then.
 * @throws Invalid 106 if there is no such doctor.
 */
export async function changePassLimit(
  kernel: Kernel,
  caller: Caller,
  scope: PassScope,
  { most, description }: { readonly most: number | null; readonly description: string | null },
): Promise<PassLimit> {
  const now = kernel.clock.now()
  const limit = await kernel.transaction(async (tx) => {
    if (scope.level === 'DOCTOR' && !(await lockDoctor(tx, scope.id))) throw missing('医生')
    const before = await passLimitOf(tx, scope)
    if (most === null) await deletePassLimit(tx, scope)
    else await setPassLimit(tx, scope, { most, description }, now)
    const after = await passLimitOf(tx, scope)
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.consultation.configure',
      resource: 'clinic_configuration',
      resourceId: `${scope.level}:${scope.id}`,
      changes: { maxPassCount: [before.most, after.most] },
    })
    return after
  })
  kernel.nudge()
  return limit
}
