const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** Number of characters as people see them. */
export function countGraphemes(text: string): number {
  let count = 0
  for (const _ of segmenter.segment(text)) count += 1
  return count
}

/** The longest start of a text with at most `most` UTF-16 units that ends between two characters; `…` if it was cut. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  let end = 0
  for (const { index, segment } of segmenter.segment(text)) {
    if (index + segment.length > most - 1) break
    end = index + segment.length
  }
  return `${text.slice(0, end)}…`
}

/** A text in one line. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}
