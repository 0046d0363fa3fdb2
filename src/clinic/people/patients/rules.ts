import { daysBetween } from '../../../kernel/time.ts'

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const CHECKS = '10X98765432'

/** What an id card number (GB 11643, 18 characters) says; undefined if its form, date or check digit is wrong. */
export function readIdCard(
  text: string,
): { readonly number: string; readonly birthDate: string; readonly gender: '男' | '女' } | undefined {
  const number = text.trim().toUpperCase()
  if (!/^[1-9]\d{16}[\dX]$/.test(number)) return undefined
  const sum = WEIGHTS.reduce((total, weight, n) => total + weight * Number(number[n]), 0)
  if (CHECKS[sum % 11] !== number[17]) return undefined
  const birthDate = `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`
  try {
    daysBetween(birthDate, birthDate)
  } catch {
    return undefined
  }
  return { number, birthDate, gender: Number(number[16]) % 2 === 1 ? '男' : '女' }
}
