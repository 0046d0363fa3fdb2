const dateText = /^((?:19|20|21)\d\d)-(\d\d)-(\d\d)$/
const timeText = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/
const instantText = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?$/

/** The first and the last day of a `LocalDate`. */
export const FIRST_DAY = '1900-01-01'
export const LAST_DAY = '2199-12-31'

/** An existing day as 'YYYY-MM-DD', from 1900 to 2199: the range is safe for calendar arithmetic and the database. */
export function isLocalDate(text: string): boolean {
  const [, year, month, day] = dateText.exec(text) ?? []
  if (!year) return false
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day)
}

/** 'HH:MM' or 'HH:MM:SS' from 00:00 to 23:59:59. */
export function isLocalTime(text: string): boolean {
  return timeText.test(text)
}

/** Like `isLocalTime`, plus 24:00, the end of the day. */
export function isLocalTimeOrMidnight(text: string): boolean {
  return timeText.test(text) || text === '24:00' || text === '24:00:00'
}

/**
 * 'YYYY-MM-DDTHH:MM[:SS[.fff]]' (or a space for the T) with an offset or `Z`, or without one for local time. No leap
 * seconds.
 */
export function isInstant(text: string): boolean {
  const [, date, time] = instantText.exec(text) ?? []
  return date !== undefined && time !== undefined && isLocalDate(date) && timeText.test(time.replace(/\.\d+$/, ''))
}
