import type { Kernel } from '../../kernel/kernel.ts'

/** Longest time for which a sold-out schedule is remembered, in milliseconds: others may free a number meanwhile. */
const REMEMBERED_MS = 500

/** Most schedules that are remembered; the oldest are dropped first. */
const MOST = 10_000

/**
 * Schedules that had no number left a moment ago. Most of those who come at the release of numbers come too late: they
 * are turned away from memory, without the database.
 */
export interface SoldOutMemory {
  /** Whether the schedule was sold out within the last half second, for people who hold no number of it. */
  knows(scheduleId: number, patientId: number): boolean
  /** Whether the schedule was sold out within the last half second, whoever asks. */
  has(scheduleId: number): boolean
  /** Remembers a sold-out schedule and the patients who have an order for it: they get a better answer. */
  remember(scheduleId: number, holders: Iterable<number>): void
  /** Forgets a schedule, because this process has freed or added numbers. */
  forget(scheduleId: number): void
}

function createSoldOutMemory(now: () => number = () => performance.now()): SoldOutMemory {
  const remembered = new Map<number, { readonly until: number; readonly holders: ReadonlySet<number> }>()
  const present = (scheduleId: number) => {
    const entry = remembered.get(scheduleId)
    if (!entry || entry.until >= now()) return entry
    remembered.delete(scheduleId)
    return undefined
  }
  return {
    knows(scheduleId, patientId) {
      const entry = present(scheduleId)
      return entry !== undefined && !entry.holders.has(patientId)
    },
    has: (scheduleId) => present(scheduleId) !== undefined,
    remember(scheduleId, holders) {
      const [oldest] = remembered.keys()
      if (remembered.size >= MOST && oldest !== undefined) remembered.delete(oldest)
      remembered.delete(scheduleId)
      remembered.set(scheduleId, { until: now() + REMEMBERED_MS, holders: new Set(holders) })
    },
    forget(scheduleId) {
      remembered.delete(scheduleId)
    },
  }
}

/** The memory of each process, by the database it uses. */
const memories = new WeakMap<Kernel['db'], SoldOutMemory>()

/** The memory of this process. */
export function soldOutMemory({ db }: Pick<Kernel, 'db'>): SoldOutMemory {
  let memory = memories.get(db)
  if (!memory) {
    memory = createSoldOutMemory()
    memories.set(db, memory)
  }
  return memory
}
