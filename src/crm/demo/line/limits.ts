import { faultsOfFlex } from './flexLimits.ts'
import {
  type Fields,
  faultOfAddress,
  faultOfText,
  faultsOfAction,
  faultsOfSize,
  fieldsOf,
  graphemes,
  listOf,
  type MessageFault,
  type Size,
} from './limitKinds.ts'

// LINE's own limits of message objects (https://developers.line.biz/en/reference/messaging-api/#message-objects), as far
// as its server would refuse a call. They are written down apart from the rules of templates, so that tests can compare
// the two.

const MOST_QUICK_REPLIES = 13

/** Faults of the message objects of a call, as LINE's own server would name them. */
export function faultsOf(messages: unknown): readonly MessageFault[] {
  const faults = faultsOfSize(messages, 'messages', { least: 1, most: 5 })
  if (faults.length > 0) return faults
  return listOf(messages).flatMap((message, n) => faultsOfMessage(message, `messages[${n}]`))
}

type Check = (fields: Fields, property: string) => readonly MessageFault[]

function faultsOfMessage(message: unknown, property: string): readonly MessageFault[] {
  const fields = fieldsOf(message)
  if (!fields) return [{ property, message: 'must be an object' }]
  const check = MESSAGES.get(String(fields.type))
  if (!check) return [{ property: `${property}.type`, message: 'must be a type of message' }]
  return [...check(fields, property), ...faultsOfQuickReplies(fields.quickReply, `${property}.quickReply`)]
}

const MESSAGES: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['text', ({ text }, property) => faultOfText(`${property}.text`, text, { most: 5000 })],
  [
    'sticker',
    ({ packageId, stickerId }, property) => [
      ...faultOfText(`${property}.packageId`, packageId, { most: 50 }),
      ...faultOfText(`${property}.stickerId`, stickerId, { most: 50 }),
    ],
  ],
  [
    'image',
    ({ originalContentUrl, previewImageUrl }, property) => [
      ...faultOfAddress(`${property}.originalContentUrl`, originalContentUrl),
      ...faultOfAddress(`${property}.previewImageUrl`, previewImageUrl),
    ],
  ],
  [
    'template',
    ({ altText, template }, property) => [
      ...faultOfText(`${property}.altText`, altText, { most: 1500 }),
      ...faultsOfTemplate(template, `${property}.template`),
    ],
  ],
  [
    'flex',
    ({ altText, contents }, property) => [
      ...faultOfText(`${property}.altText`, altText, { most: 1500 }),
      ...faultsOfFlex(contents, `${property}.contents`),
    ],
  ],
  [
    'imagemap',
    ({ altText, ...fields }, property) => [
      ...faultOfText(`${property}.altText`, altText, { most: 1500 }),
      ...faultsOfImagemap(fields, property),
    ],
  ],
])

function faultsOfQuickReplies(quickReply: unknown, property: string): readonly MessageFault[] {
  if (quickReply === undefined) return []
  const items = fieldsOf(quickReply)?.items
  return [
    ...faultsOfSize(items, `${property}.items`, { least: 1, most: MOST_QUICK_REPLIES }),
    ...listOf(items).flatMap((item, n) => faultsOfAction(fieldsOf(item)?.action, `${property}.items[${n}].action`)),
  ]
}

function faultsOfTemplate(template: unknown, property: string): readonly MessageFault[] {
  const fields = fieldsOf(template) ?? {}
  const check = TEMPLATES.get(String(fields.type))
  return check ? check(fields, property) : [{ property: `${property}.type`, message: 'must be a type of template' }]
}

const TEMPLATES: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['buttons', (fields, property) => faultsOfColumn(fields, property, { text: 160, withTitle: 60, actions: 4 })],
  [
    'confirm',
    ({ text, actions }, property) => [
      ...faultOfText(`${property}.text`, text, { most: 240, unit: graphemes }),
      ...faultsOfActions(actions, `${property}.actions`, { least: 2, most: 2 }),
    ],
  ],
  [
    'carousel',
    ({ columns }, property) => [
      ...faultsOfSize(columns, `${property}.columns`, { least: 1, most: 10 }),
      ...listOf(columns).flatMap((column, n) =>
        faultsOfColumn(fieldsOf(column) ?? {}, `${property}.columns[${n}]`, { text: 120, withTitle: 60, actions: 3 }),
      ),
      ...faultsOfDifferences(listOf(columns), `${property}.columns`),
    ],
  ],
  [
    'image_carousel',
    ({ columns }, property) => [
      ...faultsOfSize(columns, `${property}.columns`, { least: 1, most: 10 }),
      ...listOf(columns).flatMap((column, n) => {
        const { imageUrl, action } = fieldsOf(column) ?? {}
        const at = `${property}.columns[${n}]`
        return [
          ...faultOfAddress(`${at}.imageUrl`, imageUrl),
          ...faultsOfAction(action, `${at}.action`, { label: 12, needsLabel: false }),
        ]
      }),
    ],
  ],
])

/** A buttons template, or a column of a carousel: its text is shorter with an image or title. */
function faultsOfColumn(
  { text, title, thumbnailImageUrl, actions }: Fields,
  property: string,
  limits: { readonly text: number; readonly withTitle: number; readonly actions: number },
): readonly MessageFault[] {
  const most = title === undefined && thumbnailImageUrl === undefined ? limits.text : limits.withTitle
  return [
    ...faultOfText(`${property}.text`, text, { most, unit: graphemes }),
    ...(title === undefined ? [] : faultOfText(`${property}.title`, title, { most: 40, unit: graphemes })),
    ...(thumbnailImageUrl === undefined ? [] : faultOfAddress(`${property}.thumbnailImageUrl`, thumbnailImageUrl)),
    ...faultsOfActions(actions, `${property}.actions`, { least: 1, most: limits.actions }),
  ]
}

/** Every column has the same number of actions, and an image and title if the others have. */
function faultsOfDifferences(columns: readonly unknown[], property: string): readonly MessageFault[] {
  const forms = columns.map((column) => {
    const { actions, title, thumbnailImageUrl } = fieldsOf(column) ?? {}
    return `${listOf(actions).length} ${title !== undefined} ${thumbnailImageUrl !== undefined}`
  })
  return new Set(forms).size > 1 ? [{ property, message: 'All columns must have the same form' }] : []
}

function faultsOfActions(actions: unknown, property: string, size: Size): readonly MessageFault[] {
  return [
    ...faultsOfSize(actions, property, size),
    ...listOf(actions).flatMap((action, n) => faultsOfAction(action, `${property}[${n}]`)),
  ]
}

function faultsOfImagemap({ baseUrl, baseSize, actions }: Fields, property: string): readonly MessageFault[] {
  const { width, height } = fieldsOf(baseSize) ?? {}
  return [
    ...faultOfAddress(`${property}.baseUrl`, baseUrl),
    ...(width === 1040 ? [] : [{ property: `${property}.baseSize.width`, message: 'must be 1040' }]),
    ...(typeof height === 'number' && height > 0
      ? []
      : [{ property: `${property}.baseSize.height`, message: 'must be positive' }]),
    ...faultsOfSize(actions, `${property}.actions`, { least: 0, most: 50 }),
    ...listOf(actions).flatMap((action, n) => {
      const { type, linkUri, text } = fieldsOf(action) ?? {}
      const at = `${property}.actions[${n}]`
      if (type === 'uri') return faultOfText(`${at}.linkUri`, linkUri, { most: 1000 })
      return type === 'message'
        ? faultOfText(`${at}.text`, text, { most: 400 })
        : [{ property: `${at}.type`, message: 'must be uri or message' }]
    }),
  ]
}
