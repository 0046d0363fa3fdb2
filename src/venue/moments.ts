import { Invalid } from '../kernel/errors.ts'

/**
 * Converts a time of day that may have seconds to 'HH:MM'. @throws Invalid `validation` when the seconds are not zero
 */
export function wholeMinutes(time: string): string {
  if (time.length > 5 && time.slice(6) !== '00') {
    throw new Invalid('validation', `Times of day must be whole minutes; got ${time}.`)
  }
  return time.slice(0, 5)
}
