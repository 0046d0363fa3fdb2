/** Descriptions of the tags of support's routes. */
export const tags: Readonly<Record<string, string>> = {
  Feedback: 'Feedback of people, and replies of support.',
  'Frequent questions': 'Questions that many people have, with their answers.',
  'Support tickets': 'Requests for help and their handling.',
  'Support chat': 'Talking to the bot or to an agent; live at the WebSocket `/ws/support/chat`.',
}
