import { defineLifecycle } from '../../../booking/lifecycle.ts'

export const REPAIR_STATES = ['reported', 'accepted', 'fixed', 'rejected'] as const
export type RepairStatus = (typeof REPAIR_STATES)[number]

/** What staff may make of a report. */
export const DECISIONS = ['accepted', 'fixed', 'rejected'] as const
export type Decision = (typeof DECISIONS)[number]

/** An accepted report may turn out to be none: it is rejected then. */
export const repairLifecycle = defineLifecycle<RepairStatus>({
  reported: ['accepted', 'rejected'],
  accepted: ['fixed', 'rejected'],
  fixed: [],
  rejected: [],
})
