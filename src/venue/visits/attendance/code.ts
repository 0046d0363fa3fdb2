import { createHmac, timingSafeEqual } from 'node:crypto'

/** Milliseconds for which a code is shown. */
const STEP = 30_000

/** The six digits of one step: the dynamic truncation of RFC 4226 over HMAC-SHA-256. */
function codeOf(secret: string, step: number): string {
  const digest = createHmac('sha256', secret).update(`check-in:${step}`).digest()
  const offset = digest.readUInt8(digest.length - 1) & 0x0f
  const number = digest.readUInt32BE(offset) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

/** The code that a venue shows now, and until when it shows it (it is accepted for one step more). */
export function currentCode(secret: string, now: Date): { readonly code: string; readonly validUntil: Date } {
  const step = Math.floor(now.getTime() / STEP)
  return { code: codeOf(secret, step), validUntil: new Date((step + 1) * STEP) }
}

/** True for the code of now and for the one before it: who has just scanned it is still typing. */
export function acceptsCode(secret: string, code: string, now: Date): boolean {
  const given = Buffer.from(code)
  const step = Math.floor(now.getTime() / STEP)
  return [step, step - 1].some((each) => {
    const expected = Buffer.from(codeOf(secret, each))
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
}
