import {
  type Fields,
  faultOfAddress,
  faultOfText,
  faultsOfAction,
  faultsOfSize,
  fieldsOf,
  listOf,
  type MessageFault,
} from './limitKinds.ts'

// The limits of flex messages (https://developers.line.biz/en/reference/messaging-api/#flex-message).

const BUBBLE_BYTES = 30 * 1024
const CAROUSEL_BYTES = 50 * 1024
const MOST_BUBBLES = 12

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

/** Faults of the container of a flex message. */
export function faultsOfFlex(contents: unknown, property: string): readonly MessageFault[] {
  const fields = fieldsOf(contents) ?? {}
  if (fields.type === 'bubble') return faultsOfBubble(fields, property)
  if (fields.type !== 'carousel') return [{ property: `${property}.type`, message: 'must be bubble or carousel' }]
  return [
    ...faultsOfSize(fields.contents, `${property}.contents`, { least: 1, most: MOST_BUBBLES }),
    ...(bytesOf(fields) > CAROUSEL_BYTES ? [{ property, message: 'must be at most 50 KB' }] : []),
    ...listOf(fields.contents).flatMap((bubble, n) =>
      faultsOfBubble(fieldsOf(bubble) ?? {}, `${property}.contents[${n}]`),
    ),
  ]
}

function faultsOfBubble(bubble: Fields, property: string): readonly MessageFault[] {
  if (bubble.type !== 'bubble') return [{ property: `${property}.type`, message: 'must be bubble' }]
  const blocks = ['header', 'hero', 'body', 'footer'].filter((name) => bubble[name] !== undefined)
  return [
    ...(bytesOf(bubble) > BUBBLE_BYTES ? [{ property, message: 'must be at most 30 KB' }] : []),
    ...(blocks.length === 0 ? [{ property, message: 'must have a block' }] : []),
    ...blocks.flatMap((name) => {
      const at = `${property}.${name}`
      const block = fieldsOf(bubble[name]) ?? {}
      const fits = block.type === 'box' || (name === 'hero' && block.type === 'image')
      return fits ? faultsOfComponent(block, at) : [{ property: `${at}.type`, message: 'is not allowed here' }]
    }),
  ]
}

type Check = (fields: Fields, property: string) => readonly MessageFault[]

function faultsOfComponent(component: unknown, property: string): readonly MessageFault[] {
  const fields = fieldsOf(component) ?? {}
  const check = COMPONENTS.get(String(fields.type))
  return check ? check(fields, property) : [{ property: `${property}.type`, message: 'must be a type of component' }]
}

const COMPONENTS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['separator', () => []],
  ['filler', () => []],
  ['box', faultsOfBox],
  ['text', faultsOfTextComponent],
  ['image', faultsOfImage],
  [
    'button',
    ({ action, style }, property) => [
      ...faultsOfAction(action, `${property}.action`),
      ...faultOfChoice(`${property}.style`, style, ['primary', 'secondary', 'link']),
    ],
  ],
])

function faultsOfBox({ layout, contents, action }: Fields, property: string): readonly MessageFault[] {
  return [
    ...(Array.isArray(contents) ? [] : [{ property: `${property}.contents`, message: 'must be specified' }]),
    ...faultOfChoice(`${property}.layout`, layout ?? '', ['horizontal', 'vertical', 'baseline']),
    ...faultsOfOptionalAction(action, property),
    ...listOf(contents).flatMap((one, n) => faultsOfComponent(one, `${property}.contents[${n}]`)),
  ]
}

function faultsOfTextComponent({ text, color, action }: Fields, property: string): readonly MessageFault[] {
  return [
    ...faultOfText(`${property}.text`, text, { most: Number.POSITIVE_INFINITY }),
    ...(color === undefined || /^#([\da-f]{6}|[\da-f]{8})$/i.test(String(color))
      ? []
      : [{ property: `${property}.color`, message: 'must be #RRGGBB or #RRGGBBAA' }]),
    ...faultsOfOptionalAction(action, property),
  ]
}

function faultsOfImage(fields: Fields, property: string): readonly MessageFault[] {
  const { url, size, aspectRatio = '1:1', aspectMode, action } = fields
  const [, width, height] = /^(\d{1,6}):(\d{1,6})$/.exec(String(aspectRatio)) ?? []
  const isRatio = Number(width) > 0 && Number(height) > 0 && Number(height) <= 3 * Number(width)
  return [
    ...faultOfAddress(`${property}.url`, url),
    ...(isRatio ? [] : [{ property: `${property}.aspectRatio`, message: 'must be width:height' }]),
    ...faultOfChoice(`${property}.aspectMode`, aspectMode, ['cover', 'fit']),
    ...(size === undefined || /^(xxs|xs|sm|md|lg|xl|xxl|3xl|4xl|5xl|full|\d+px|\d+%)$/.test(String(size))
      ? []
      : [{ property: `${property}.size`, message: 'must be a size' }]),
    ...faultsOfOptionalAction(action, property),
  ]
}

function faultsOfOptionalAction(action: unknown, property: string): readonly MessageFault[] {
  return action === undefined ? [] : faultsOfAction(action, `${property}.action`, { needsLabel: false })
}

function faultOfChoice(property: string, value: unknown, choices: readonly string[]): readonly MessageFault[] {
  return value === undefined || choices.includes(String(value))
    ? []
    : [{ property, message: `must be one of ${choices.join(', ')}` }]
}
