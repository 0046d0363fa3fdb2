/** The phases of a start, in this order; each is marked at its end. */
export const START_PHASES = [
  'modules loaded',
  'configuration read',
  'database opened',
  'migrations applied',
  'routes registered',
  'system put together',
  'job queues ready',
  'listening',
] as const

/** Marks the end of a phase of the start with `node:perf_hooks`; `npm run bench -- start` reads the marks. */
export function reached(phase: (typeof START_PHASES)[number]): void {
  performance.mark(`yuyue: ${phase}`)
}
