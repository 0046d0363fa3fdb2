import type { Kernel } from '../kernel.ts'

/** A piece of background work: what it does must be idempotent, it can run twice. */
export interface JobDefinition {
  /** `venue.reminders`; also the queue's name. */
  readonly name: string
  /** Standard cron in the local time zone; runs once a tick over all processes. Absent: only when sent. */
  readonly cron?: string
  readonly run: (kernel: Kernel, payload: unknown) => Promise<void>
}
