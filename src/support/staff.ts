/** Answers feedback and tickets, keeps the frequent questions. */
export const MANAGE = 'venue:support.manage'
/** Talks to people in the chat. */
export const AGENT = 'venue:support.agent'
