import type { FieldError } from '../../../kernel/errors.ts'
import { fieldError } from '../../refusals.ts'
import { hasTwoDecimals } from '../money.ts'
import {
  BUBBLE_BYTES,
  CAROUSEL_BYTES,
  countGraphemes,
  LABEL_LENGTH,
  MOST_BUTTONS,
  MOST_CARDS,
  TEXT_LENGTH,
} from './limits.ts'
import { linksOf } from './links.ts'
import { renderTemplate } from './render.ts'
import type { TemplateContent } from './types.ts'

/** Addresses that a tap may open: web pages, phone numbers, and LINE's own. */
const ACTION = /^(https?:\/\/|tel:\+?[\d-]{3,20}$|line:\/\/)/i
/** Pictures: over https, or uploaded to this server. */
const PICTURE = /^(https:\/\/[^\s]+|\/static\/uploads\/images\/templates\/[\w.-]+)$/i

/** Whether an address can be the target of a tap. */
export function isActionAddress(url: string): boolean {
  return ACTION.test(url) && !/\s/.test(url) && (!/^https?:/i.test(url) || URL.canParse(url))
}

/**
 * What LINE would refuse of a template, or what makes no sense, by field (`/carousel_items/0/title`). Tags and templates
 * that it names are not looked up here.
 */
export function templateFaults(template: TemplateContent): readonly FieldError[] {
  const faults = [
    ...foreignFields(template),
    ...contentFaults(template),
    ...buttonFaults(template),
    ...itemFaults(template),
  ]
  const all = [...faults, ...resultFaults(template)]
  return all.length > 0 ? all : sizeFaults(template)
}

/** Fields that a type doesn't have: they would be lost. */
function foreignFields({ type, content, buttons, carousel_items: items }: TemplateContent): FieldError[] {
  const hasPictures = type === 'image_click' || type === 'image_card'
  return [
    ...(hasPictures && content ? [fieldError('/content', 'is not shown by this type')] : []),
    ...(type !== 'text_button' && (buttons?.length ?? 0) > 0
      ? [fieldError('/buttons', 'are not shown by this type')]
      : []),
    ...(!hasPictures && items.length > 0 ? [fieldError('/carousel_items', 'are not shown by this type')] : []),
  ]
}

function contentFaults({ type, content }: TemplateContent): FieldError[] {
  if (type !== 'text' && type !== 'text_button') return []
  if (!content?.trim()) return [fieldError('/content', 'must not be blank')]
  return content.length > TEXT_LENGTH
    ? [fieldError('/content', `must not be longer than ${TEXT_LENGTH} characters`)]
    : []
}

function buttonFaults({
  type,
  buttons,
  interaction_tag_id: tag,
  interaction_result: result,
}: TemplateContent): FieldError[] {
  if (type !== 'text_button') return []
  const all = buttons ?? []
  if (all.length < 1 || all.length > MOST_BUTTONS)
    return [fieldError('/buttons', `must have 1 to ${MOST_BUTTONS} items`)]
  return all.flatMap(({ label, action_url: url, interaction_tag_id: own }, n) => [
    ...(label.trim() === '' ? [fieldError(`/buttons/${n}/label`, 'must not be blank')] : []),
    ...(countGraphemes(label) > LABEL_LENGTH
      ? [fieldError(`/buttons/${n}/label`, `must not be longer than ${LABEL_LENGTH} characters`)]
      : []),
    ...(url === null && result === null && tag === null && own === null
      ? [fieldError(`/buttons/${n}/action_url`, 'is required, unless there is an interaction_result or tag')]
      : addressFaults(`/buttons/${n}/action_url`, url)),
  ])
}

function itemFaults({ type, carousel_items: items }: TemplateContent): FieldError[] {
  if (type !== 'image_click' && type !== 'image_card') return []
  if (type === 'image_click' && items.length !== 1) return [fieldError('/carousel_items', 'must have exactly 1 item')]
  if (items.length < 1 || items.length > MOST_CARDS)
    return [fieldError('/carousel_items', `must have 1 to ${MOST_CARDS} items`)]
  return items.flatMap((item, n) => [
    ...(PICTURE.test(item.image_url)
      ? []
      : [fieldError(`/carousel_items/${n}/image_url`, 'must be an https address, or the path of an uploaded picture')]),
    ...(item.title?.trim() === '' ? [fieldError(`/carousel_items/${n}/title`, 'must not be blank')] : []),
    ...(item.description?.trim() === '' ? [fieldError(`/carousel_items/${n}/description`, 'must not be blank')] : []),
    ...(item.price !== null && !hasTwoDecimals(item.price)
      ? [fieldError(`/carousel_items/${n}/price`, 'must not have more than two decimals')]
      : []),
    ...addressFaults(`/carousel_items/${n}/action_url`, item.action_url),
  ])
}

function resultFaults({ type, interaction_result: result }: TemplateContent): FieldError[] {
  if (result === null) return []
  if (type === 'text') return [fieldError('/interaction_result', 'needs something to tap, which a text has not')]
  const needsUrl = result.type !== 'template'
  const needsTemplate = result.type !== 'redirect'
  return [
    ...(needsUrl === (result.url === null)
      ? [fieldError('/interaction_result/url', needsUrl ? 'is required' : 'does not fit the type')]
      : []),
    ...(needsTemplate === (result.template_id === null)
      ? [fieldError('/interaction_result/template_id', needsTemplate ? 'is required' : 'does not fit the type')]
      : []),
    ...addressFaults('/interaction_result/url', result.url),
  ]
}

function addressFaults(path: string, url: string | null): FieldError[] {
  return url === null || isActionAddress(url) ? [] : [fieldError(path, 'must be a web address, or tel: or line://')]
}

/** The longest addresses that a campaign puts in. */
const LONG = `https://${'x'.repeat(300)}`

/** Whether the rendered message is small enough. */
function sizeFaults(template: TemplateContent): FieldError[] {
  const { messages } = renderTemplate(template, {
    uriOf: () => LONG,
    postbackOf: () => LONG,
    openImageUri: LONG,
    base: LONG,
  })
  const [message] = messages
  const contents = message?.type === 'flex' ? message.contents : undefined
  if (contents === undefined) return []
  const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value))
  const bubbles = Reflect.get(Object(contents), 'contents')
  const all: readonly unknown[] = Array.isArray(bubbles) ? bubbles : [contents]
  const isTooLarge = bytes(contents) > CAROUSEL_BYTES || all.some((bubble) => bytes(bubble) > BUBBLE_BYTES)
  const path = linksOf(template).length > 0 && template.type === 'text_button' ? '/content' : '/carousel_items'
  return isTooLarge ? [fieldError(path, 'is too large for LINE')] : []
}
