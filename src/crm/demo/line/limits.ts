/** A fault of a message object, as LINE names it. */
export interface MessageFault {
  readonly property: string
  readonly message: string
}

const MOST_MESSAGES = 5

/** Faults of the message objects of a call by LINE's limits: as far as LINE's own server would refuse them. */
export function faultsOf(messages: unknown): readonly MessageFault[] {
  if (!Array.isArray(messages) || messages.length < 1 || messages.length > MOST_MESSAGES)
    return [{ property: 'messages', message: 'Size must be between 1 and 5' }]
  return messages.flatMap((message, n) => faultsOfMessage(message, `messages[${n}]`))
}

function faultsOfMessage(message: unknown, property: string): readonly MessageFault[] {
  if (typeof message !== 'object' || message === null) return [{ property, message: 'must be an object' }]
  const { type, text, altText } = message as Readonly<Record<string, unknown>>
  const fault = (name: string, words: string) => [{ property: `${property}.${name}`, message: words }]
  if (type === 'text') return isText(text, 5000) ? [] : fault('text', 'Length must be between 1 and 5000')
  if (type === 'template' || type === 'flex' || type === 'imagemap')
    return isText(altText, 1500) ? [] : fault('altText', 'Length must be between 1 and 1500')
  if (type === 'image' || type === 'sticker') return []
  return fault('type', 'must be a type of message')
}

/** Whether a value is a text of 1 to `most` UTF-16 units. */
function isText(value: unknown, most: number): boolean {
  return typeof value === 'string' && value.length >= 1 && value.length <= most
}
