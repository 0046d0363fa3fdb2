import type { LineMessage } from '../line/types.ts'
import { BUTTONS_TEXT, LABEL_LENGTH } from './limits.ts'
import { linksOf, partsOf } from './links.ts'
import { countGraphemes, inOneLine, shortened } from './texts.ts'
import type { CarouselItem, TemplateContent, TemplateLink } from './types.ts'

/** Addresses that the renderer cannot know. */
export interface RenderOptions {
  /** The address to which a tap on a link leads: the stored one, or one that counts the tap. */
  readonly uriOf: (link: TemplateLink & { readonly url: string }) => string
  /** The data of a tap that opens no page. */
  readonly postbackOf: (link: TemplateLink) => string
  /** The address of an image of one pixel that counts the opening; null: none. */
  readonly openImageUri: string | null
  /** The address of this server, for pictures with a path. */
  readonly base: string
}

export interface Rendered {
  readonly messages: readonly LineMessage[]
  readonly links: readonly TemplateLink[]
  /** Whether each recipient gets links of their own: such messages can't go to many in one call. */
  readonly isPersonal: boolean
  /** The message in words, for the conversation: its text, or what phones show of it. */
  readonly summary: string
}

const ALT_LENGTH = 100
/** A campaign writes the summary for each recipient, so it doesn't hold a text of any length. */
const SUMMARY_LENGTH = 1000

/** What phones show of a message outside of the chat: the notification's text, the preview's, or its own first words. */
function altTextOf(template: TemplateContent): string {
  const { notification_text: notification, preview_text: preview, content, carousel_items: items } = template
  const text = notification || preview || content || items.find(({ title }) => title)?.title || template.name || '圖片'
  return shortened(inOneLine(text), ALT_LENGTH)
}

/** The label of a card's button. */
export const CARD_LABEL = '了解更多'

type Action = Readonly<Record<string, string>>

/** Renders a template as LINE's message objects. It must have passed `templateFaults`. */
export function renderTemplate(template: TemplateContent, options: RenderOptions): Rendered {
  const links = linksOf(template)
  const actionAt = (position: number, label: string): Action | undefined => {
    const link = links.find((one) => one.position === position)
    if (!link) return undefined
    const { url } = link
    return url === null
      ? { type: 'postback', label, data: options.postbackOf(link) }
      : { type: 'uri', label, uri: options.uriOf({ ...link, url }) }
  }
  const altText = altTextOf(template)
  const message = messageOf(template, { ...options, actionAt, altText })
  const hasPictures = template.type === 'image_click' || template.type === 'image_card'
  const summary = hasPictures ? altText : shortened(template.content ?? '', SUMMARY_LENGTH)
  return { messages: [message], links, isPersonal: links.length > 0 || hasPictures, summary }
}

interface Context extends RenderOptions {
  readonly actionAt: (position: number, label: string) => Action | undefined
  readonly altText: string
}

function messageOf(template: TemplateContent, context: Context): LineMessage {
  if (template.type === 'text') return { type: 'text', text: template.content ?? '' }
  if (template.type === 'text_button') return textWithButtons(template, context)
  const bubbles = template.carousel_items.map((item, position) =>
    template.type === 'image_click' ? pictureBubble(item, position, context) : cardBubble(item, position, context),
  )
  const contents = template.type === 'image_card' ? { type: 'carousel', contents: bubbles } : bubbles[0]
  return { type: 'flex', altText: context.altText, contents }
}

/** A buttons template, or a flex bubble if the text is too long for one. */
function textWithButtons(template: TemplateContent, { actionAt, altText }: Context): LineMessage {
  const text = template.content ?? ''
  const actions = partsOf(template)
    .map(({ label }, position) => actionAt(position, label))
    .filter((action) => action !== undefined)
  if (countGraphemes(text) <= BUTTONS_TEXT)
    return { type: 'template', altText, template: { type: 'buttons', text, actions } }
  const buttons = actions.map((action) => ({ type: 'button', style: 'link', height: 'sm', action }))
  return {
    type: 'flex',
    altText,
    contents: {
      type: 'bubble',
      body: { type: 'box', layout: 'vertical', contents: [{ type: 'text', text, wrap: true }] },
      footer: { type: 'box', layout: 'vertical', spacing: 'sm', contents: buttons },
    },
  }
}

/** One picture, with its texts below if it has any. */
function pictureBubble(item: CarouselItem, position: number, context: Context): object {
  const action = context.actionAt(position, shortened(inOneLine(item.title ?? '查看'), LABEL_LENGTH))
  const texts = textsOf(item)
  const contents = [...texts, ...openImage(position, context)]
  return {
    type: 'bubble',
    hero: heroOf(item, '1:1', action, context),
    ...(contents.length > 0 && {
      body: { type: 'box', layout: 'vertical', ...(texts.length === 0 && { paddingAll: '0px' }), contents },
    }),
  }
}

function cardBubble(item: CarouselItem, position: number, context: Context): object {
  const action = context.actionAt(position, CARD_LABEL)
  const contents = [...textsOf(item), ...openImage(position, context)]
  return {
    type: 'bubble',
    hero: heroOf(item, '20:13', action, context),
    ...(contents.length > 0 && { body: { type: 'box', layout: 'vertical', contents } }),
    ...(action && {
      footer: {
        type: 'box',
        layout: 'vertical',
        contents: [{ type: 'button', style: 'primary', height: 'sm', color: '#8a6d3b', action }],
      },
    }),
  }
}

function textsOf({ title, description, price }: CarouselItem): readonly object[] {
  return [
    ...(title === null ? [] : [{ type: 'text', text: title, weight: 'bold', size: 'md', wrap: true }]),
    ...(description === null
      ? []
      : [{ type: 'text', text: description, size: 'sm', color: '#666666', wrap: true, margin: 'sm' }]),
    ...(price === null
      ? []
      : [{ type: 'text', text: priceText(price), weight: 'bold', color: '#b4532a', margin: 'md' }]),
  ]
}

function heroOf(item: CarouselItem, ratio: string, action: Action | undefined, { base }: Context): object {
  const url = imageAddress(item.image_url, base)
  return { type: 'image', url, size: 'full', aspectMode: 'cover', aspectRatio: ratio, ...(action && { action }) }
}

/** The image that counts the opening, once for a message. */
function openImage(position: number, { openImageUri }: Context): readonly object[] {
  if (openImageUri === null || position > 0) return []
  return [{ type: 'image', url: openImageUri, size: '1px', aspectRatio: '1:1', align: 'end' }]
}

/** The full address of a picture that may be a path on this server. */
export function imageAddress(url: string, base: string): string {
  return url.startsWith('/') ? `${base}${url}` : url
}

/** A price as people write it: NT$3,200, NT$99.50. */
export function priceText(price: number): string {
  const decimals = Number.isInteger(price) ? 0 : 2
  return `NT$${price.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: 2 })}`
}
