/** The subject of each tag of support's routes. */
export const tags: Readonly<Record<string, string>> = {
  Feedback: 'What people tell us, and what we answer.',
  'Frequent questions': 'Questions that many people have, with their answers.',
  'Support tickets': 'Requests for help and what becomes of them.',
  'Support chat': 'Talking to the bot or to an agent; live at the WebSocket `/ws/support/chat`.',
}
