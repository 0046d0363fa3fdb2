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

/** Code points of titles and descriptions: the columns' length. */
export const TITLE_LENGTH = 100
export const DESCRIPTION_LENGTH = 200
/** Code points of the name, the notification and the preview. */
export const NAME_LENGTH = 100
/** UTF-16 units of a label: 20 graphemes can be any number of them. */
export const LABEL_UNITS = 200
/** Characters of a stored address: the columns' length. */
export const ADDRESS_LENGTH = 500
