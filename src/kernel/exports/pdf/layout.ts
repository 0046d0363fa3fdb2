import type { Line } from './text.ts'

/** A4 landscape, in points of 1/72 inch. */
export const PAGE = { width: 841.89, height: 595.28, margin: 28 } as const

/** Space between the lines of the table and its texts. */
export const PADDING = 2.5

/** Width available for the table. */
export const ACROSS: number = PAGE.width - 2 * PAGE.margin

const HEADING = 26
const FOOTING = 16
/** Top and bottom of the table: points from the bottom of the page. */
export const TOP: number = PAGE.height - PAGE.margin - HEADING
export const BOTTOM: number = PAGE.margin + FOOTING

/** The font size in points: smaller for more columns. */
export function sizeFor(columns: number): number {
  return columns <= 8 ? 8 : columns <= 13 ? 7 : 6
}

/** Largest part of the page width that one column can claim. */
const WIDEST = 0.4

/**
 * Widths of columns so that they fill the page, given the widths they want: narrow columns get what they want, and the
 * wide ones share the rest.
 */
export function fitted(wanted: readonly number[], across: number): readonly number[] {
  const claims = wanted.map((width) => Math.min(width, across * WIDEST))
  const sum = claims.reduce((total, claim) => total + claim, 0)
  if (sum <= across) return claims.map((claim) => (sum === 0 ? across / claims.length : (claim * across) / sum))
  const given = claims.map(() => 0)
  let left = across
  const order = claims.map((_, index) => index).sort((a, b) => (claims[a] ?? 0) - (claims[b] ?? 0))
  for (const [place, index] of order.entries()) {
    const width = Math.min(claims[index] ?? 0, left / (order.length - place))
    given[index] = width
    left -= width
  }
  return given
}

/** A row ready to be drawn: the lines of its cells, and which cells are right-aligned. */
export interface LaidRow {
  readonly cells: readonly (readonly Line[])[]
  readonly right: readonly boolean[]
}

/** Number of lines of the highest cell. */
export function heightOf({ cells }: LaidRow): number {
  return cells.reduce((most, lines) => Math.max(most, lines.length), 1)
}

const point = (value: number) => value.toFixed(2)

/** Shows a text at a position: points from the left and from the bottom. */
export function show(text: string, x: number, y: number): string {
  return text === '' ? '' : `1 0 0 1 ${point(x)} ${point(y)} Tm <${text}> Tj\n`
}

/** A line across the table. */
export function rule(y: number): string {
  return `${point(PAGE.margin)} ${point(y)} m ${point(PAGE.width - PAGE.margin)} ${point(y)} l S\n`
}

/** A grey box across the table. */
export function shade(y: number, height: number): string {
  return `0.92 g ${point(PAGE.margin)} ${point(y)} ${point(ACROSS)} ${point(height)} re f 0 g\n`
}
