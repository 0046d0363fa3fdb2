/** Greatest number of messages of one feedback or ticket, because an answer shows all of them. */
export const MOST_REPLIES = 500
/** Greatest number of characters of one message. */
export const MESSAGE_LENGTH = 2000
