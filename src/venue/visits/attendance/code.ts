import { createHmac, timingSafeEqual } from 'node:crypto'

/** Milliseconds for which a code is shown. */
const STEP = 30_000

/** Six-digit code of one step: the dynamic truncation of RFC 4226 over HMAC-SHA-256. */
function codeOf(secret: string, step: number): string {
  const digest = createHmac('sha256', secret).update(`check-in:${step}`).digest()
  const offset = digest.readUInt8(digest.length - 1) & 0x0f
  const number = digest.readUInt32BE(offset) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

/** Code that a venue shows now, and the end of its step. It is accepted for one more step. */
export function currentCode(secret: string, now: Date): { readonly code: string; readonly validUntil: Date } {
  const step = Math.floor(now.getTime() / STEP)
  return { code: codeOf(secret, step), validUntil: new Date((step + 1) * STEP) }
}

/** True for the current code and the one before it: a person may still be typing the previous one. */
export function acceptsCode(secret: string, code: string, now: Date): boolean {
  const given = Buffer.from(code)
  const step = Math.floor(now.getTime() / STEP)
  return [step, step - 1].some((each) => {
    const expected = Buffer.from(codeOf(secret, each))
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
}
