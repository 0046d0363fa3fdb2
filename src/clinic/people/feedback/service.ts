import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { missing } from '../../sentences.ts'
import * as store from './store.ts'

const RESOURCE = 'clinic_feedback'

/** Gives feedback. Returns its id. */
export async function giveFeedback(kernel: Kernel, caller: Caller, feedback: store.NewFeedback): Promise<number> {
  const now = kernel.clock.now()
  const id = await kernel.transaction(async (tx) => {
    const id = await store.insertFeedback(tx, caller.userId, feedback, now)
    await record(tx, now, { ...originOf(caller), action: 'clinic.feedback.give', resource: RESOURCE, resourceId: id })
    return id
  })
  kernel.nudge()
  return id
}

/** The caller's own feedback. @throws Invalid 106 for other people's. */
export async function getMine(kernel: Kernel, caller: Caller, id: number): Promise<store.Feedback> {
  const feedback = await kernel.withRetries((db) => store.findFeedback(db, id))
  if (feedback?.userId !== caller.userId) throw missing('反馈')
  return feedback
}

/** Sets the state of feedback. @throws Invalid 106. */
export async function setStatus(
  kernel: Kernel,
  caller: Caller,
  id: number,
  status: store.Feedback['status'],
): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await store.setStatus(tx, id, status, now))) throw missing('反馈')
    const changes = { status: [null, status] as const }
    await record(tx, now, {
      ...originOf(caller),
      action: 'clinic.feedback.set',
      resource: RESOURCE,
      resourceId: id,
      changes,
    })
  })
  kernel.nudge()
}
