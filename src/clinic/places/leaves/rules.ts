import type { Shift } from '../../core/types.ts'

/** Dates and shift of a leave. */
export interface Span {
  readonly from: string
  readonly to: string
  readonly shift: Shift
}

/** Whether two leaves of a doctor share a session. */
export function overlaps(one: Span, other: Span): boolean {
  const sameShift = one.shift === 'full' || other.shift === 'full' || one.shift === other.shift
  return sameShift && one.from <= other.to && other.from <= one.to
}

const PREVIEW = 50

/** The first 50 characters of a reason; `...` follows if there are more. */
export function reasonPreview(reason: string): string {
  const characters = [...reason]
  return characters.length > PREVIEW ? `${characters.slice(0, PREVIEW).join('')}...` : reason
}
