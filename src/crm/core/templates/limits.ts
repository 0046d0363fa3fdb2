// LINE's limits (page «LINE, as it really behaves»). Lengths are UTF-16 units; titles, texts and labels of template
// messages are counted in grapheme clusters.

/** Longest text of a text message, in UTF-16 units. */
export const TEXT_LENGTH = 5000
/** Longest text of a buttons template without title and image, in graphemes. */
export const BUTTONS_TEXT = 160
/** Longest label of an action, in graphemes. */
export const LABEL_LENGTH = 20
export const MOST_BUTTONS = 4
/** Most cards. LINE takes 12 bubbles; the page says 10. */
export const MOST_CARDS = 10
/** Bytes of a flex bubble and of a carousel, as JSON. */
export const BUBBLE_BYTES = 30 * 1024
export const CAROUSEL_BYTES = 50 * 1024
/** Longest address of an action, in UTF-16 units. */
export const URI_LENGTH = 1000
export const POSTBACK_LENGTH = 300
export const ALT_LENGTH = 1500

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** Number of characters as people see them. */
export function countGraphemes(text: string): number {
  let count = 0
  for (const _ of graphemes.segment(text)) count += 1
  return count
}
