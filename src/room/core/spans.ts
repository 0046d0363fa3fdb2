import type { Interval } from '../../booking/interval.ts'
import { moment } from '../fields.ts'

/** A span of time for people: `2025-11-10 09:00:00 至 12:00:00`. The end has a date if it is on another day. */
export function spanWords({ start, end }: Interval, zone: string): string {
  const from = moment(start, zone)
  const to = moment(end, zone)
  return `${from} 至 ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`
}
