/** What a start goes through, in this order; each is noted when it is over. */
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

/** Notes that the start has come so far: a mark of `node:perf_hooks`, which `npm run bench -- start` reads. */
export function reached(phase: (typeof START_PHASES)[number]): void {
  performance.mark(`yuyue: ${phase}`)
}
