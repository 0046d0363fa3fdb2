import { daysBetween } from '../../kernel/time.ts'

/** An id card number with its middle hidden: 1101**********1234. */
export function maskIdCard(idCard: string): string {
  return `${idCard.slice(0, 4)}${'*'.repeat(Math.max(0, idCard.length - 8))}${idCard.slice(-4)}`
}

/** Whole years from a birth date to a local date; null without a birth date. */
export function ageOn(birthDate: string | null, today: string): number | null {
  if (birthDate === null || daysBetween(birthDate, today) < 0) return null
  const years = Number(today.slice(0, 4)) - Number(birthDate.slice(0, 4))
  return today.slice(5) < birthDate.slice(5) ? years - 1 : years
}
