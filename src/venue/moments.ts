import { instantAt } from '../kernel/time.ts'

/** The instant a text of the format `InstantInput` means: without an offset it is the wall clock of `zone`. */
export function parseInstant(text: string, zone: string): Date {
  const iso = text.replace(' ', 'T')
  if (/(Z|[+-]\d\d:\d\d)$/.test(iso)) return new Date(iso)
  const [date = '', time = ''] = iso.split('T')
  const [, seconds = '0'] = /^\d\d:\d\d:(.+)$/.exec(time) ?? []
  return new Date(instantAt(date, time.slice(0, 5), zone).getTime() + Math.floor(Number(seconds) * 1000))
}
