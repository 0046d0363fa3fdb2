/** Messages that one feedback or ticket can have: an answer shows them all. */
export const MOST_REPLIES = 500
/** Characters of one message. */
export const MESSAGE_LENGTH = 2000
