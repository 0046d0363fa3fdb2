import { Invalid } from '../kernel/errors.ts'

/** 'HH:MM' of a time that may have seconds. @throws Invalid `validation` when the seconds are not zero */
export function wholeMinutes(time: string): string {
  if (time.length > 5 && time.slice(6) !== '00') {
    throw new Invalid('validation', `Times of day are whole minutes, not ${time}.`)
  }
  return time.slice(0, 5)
}
