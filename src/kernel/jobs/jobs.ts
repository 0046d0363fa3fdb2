import type { Kernel } from '../kernel.ts'
import type { Job } from './queues.ts'

/** A definition of background work. It must be idempotent, as it can run twice. */
export interface JobDefinition {
  /** Name of the job and its queue: `venue.reminders`. */
  readonly name: string
  /**
   * Standard cron expression in the local time zone; each tick runs once over all processes. Absent: only when sent.
   */
  readonly cron?: string
  readonly run: (kernel: Kernel, payload: unknown) => Promise<void>
}

/** Binds definitions to the kernel, which may be created after this call. */
export function boundTo(kernel: () => Kernel, definitions: readonly JobDefinition[]): readonly Job[] {
  return definitions.map(({ name, cron, run }) => ({ name, cron, run: (payload) => run(kernel(), payload) }))
}
