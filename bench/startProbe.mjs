// @ts-check
/**
 * Loaded into a measured process. When the process listens, writes the times of its phases to START_TIMES, in
 * milliseconds since 1970.
 */
import { writeFileSync } from 'node:fs'
import { PerformanceObserver, performance } from 'node:perf_hooks'

const PREFIX = 'yuyue: '
const file = process.env.START_TIMES
/** @type {Record<string, number>} */
const times = {
  'Node started': performance.timeOrigin + performance.nodeTiming.bootstrapComplete,
}

const observer = new PerformanceObserver((list) => {
  for (const { name, startTime } of list.getEntries()) {
    if (name.startsWith(PREFIX)) times[name.slice(PREFIX.length)] = performance.timeOrigin + startTime
  }
  if (file && 'listening' in times) {
    observer.disconnect()
    writeFileSync(file, JSON.stringify(times))
  }
})
observer.observe({ type: 'mark' })
