import type { Kernel } from '../kernel.ts'
import type { Job } from './queues.ts'

/** A piece of background work: what it does must be idempotent, it can run twice. */
export interface JobDefinition {
  /** `venue.reminders`; also the queue's name. */
  readonly name: string
  /** Standard cron in the local time zone; runs once a tick over all processes. Absent: only when sent. */
  readonly cron?: string
  readonly run: (kernel: Kernel, payload: unknown) => Promise<void>
}

/** Gives definitions the kernel they run with, which may be made after this. */
export function boundTo(kernel: () => Kernel, definitions: readonly JobDefinition[]): readonly Job[] {
  return definitions.map(({ name, cron, run }) => ({ name, cron, run: (payload) => run(kernel(), payload) }))
}
