import type { Line } from './text.ts'

/** A4 across, in points of 1/72 inch. */
export const PAGE = { width: 841.89, height: 595.28, margin: 28 } as const

/** Between the lines of the table and its texts. */
export const PADDING = 2.5

/** Room for texts across a page. */
export const ACROSS: number = PAGE.width - 2 * PAGE.margin

const HEADING = 26
const FOOTING = 16
/** Where the table begins and ends: points from the bottom of the page. */
export const TOP: number = PAGE.height - PAGE.margin - HEADING
export const BOTTOM: number = PAGE.margin + FOOTING

/** The size of letters, in points: the more columns, the smaller. */
export function sizeFor(columns: number): number {
  return columns <= 8 ? 8 : columns <= 13 ? 7 : 6
}

/** No column is wider than this part of the page because of its content alone. */
const WIDEST = 0.4

/**
 * How wide the columns become that would like to be so wide, so that they fill the page: what is narrow gets what it asks for, and the wide
 * ones share the rest.
 */
export function fitted(wished: readonly number[], across: number): readonly number[] {
  const wishes = wished.map((wish) => Math.min(wish, across * WIDEST))
  const sum = wishes.reduce((total, wish) => total + wish, 0)
  if (sum <= across) return wishes.map((wish) => (sum === 0 ? across / wishes.length : (wish * across) / sum))
  const given = wishes.map(() => 0)
  let left = across
  const order = wishes.map((_, index) => index).sort((a, b) => (wishes[a] ?? 0) - (wishes[b] ?? 0))
  for (const [place, index] of order.entries()) {
    const width = Math.min(wishes[index] ?? 0, left / (order.length - place))
    given[index] = width
    left -= width
  }
  return given
}

/** A row as it is drawn: the lines of its cells, and which cells stand at the right. */
export interface LaidRow {
  readonly cells: readonly (readonly Line[])[]
  readonly right: readonly boolean[]
}

/** How many lines the highest cell has. */
export function heightOf({ cells }: LaidRow): number {
  return cells.reduce((most, lines) => Math.max(most, lines.length), 1)
}

const point = (value: number) => value.toFixed(2)

/** A text at a place: points from the left and from the bottom. */
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
