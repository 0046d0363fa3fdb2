const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/**
 * The start of a text with at most `most` code points, never cut inside a character that people see as one (an emoji
 * with its modifiers, a letter with its marks). A lone surrogate becomes U+FFFD.
 */
export function cutText(text: string, most: number): string {
  const whole = text.toWellFormed()
  // Code points are at most as many as UTF-16 units.
  if (whole.length <= most) return whole
  let [end, count] = [0, 0]
  for (const { segment, index } of graphemes.segment(whole)) {
    count += [...segment].length
    if (count > most) break
    end = index + segment.length
  }
  return whole.slice(0, end)
}

/**
 * A text without characters that show nothing (marks of writing direction, zero-width characters, soft hyphens,
 * variation selectors): office programs and contact lists put them around names and numbers.
 */
export function withoutInvisible(text: string): string {
  return text.replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
}

/**
 * A text without control characters other than line breaks and tabs: each becomes a space. They break calendars, mail
 * headers and XML; office programs use U+000B for a line break inside a cell.
 */
export function withoutControls(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\r\t]/gu, ' ')
}
