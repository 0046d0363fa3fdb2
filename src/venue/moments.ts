import { Invalid } from '../kernel/http/errors.ts'
import { instantAt } from '../kernel/time.ts'

/** The instant a text of the format `InstantInput` means: without an offset it is the wall clock of `zone`. */
export function parseInstant(text: string, zone: string): Date {
  const iso = text.replace(' ', 'T')
  if (/(Z|[+-]\d\d:\d\d)$/.test(iso)) return new Date(iso)
  const [date = '', time = ''] = iso.split('T')
  const [, seconds = '0'] = /^\d\d:\d\d:(.+)$/.exec(time) ?? []
  return new Date(instantAt(date, time.slice(0, 5), zone).getTime() + Math.floor(Number(seconds) * 1000))
}

/** 'HH:MM' of a time that may have seconds. @throws Invalid `validation` when the seconds are not zero */
export function wholeMinutes(time: string): string {
  if (time.length > 5 && time.slice(6) !== '00') {
    throw new Invalid('validation', `Times of day are whole minutes, not ${time}.`)
  }
  return time.slice(0, 5)
}
