import { defineLifecycle } from '../../../booking/lifecycle.ts'

export const REPAIR_STATES = ['reported', 'accepted', 'fixed', 'rejected'] as const
export type RepairStatus = (typeof REPAIR_STATES)[number]

/** Decisions of staff about a report. */
export const DECISIONS = ['accepted', 'fixed', 'rejected'] as const
export type Decision = (typeof DECISIONS)[number]

/** Allowed changes of state. An accepted report is rejected if it proves unfounded. */
export const repairLifecycle = defineLifecycle<RepairStatus>({
  reported: ['accepted', 'rejected'],
  accepted: ['fixed', 'rejected'],
  fixed: [],
  rejected: [],
})
