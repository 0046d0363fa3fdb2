import type { FieldError } from '../../../kernel/errors.ts'
import { notBlank } from '../../../kernel/http/request/validation.ts'
import { fieldError } from '../../refusals.ts'
import { TOKEN_PLACE } from '../campaigns/tokens.ts'
import { hasTwoDecimals } from '../money.ts'
import { actionAddress, pictureAddress } from './addresses.ts'
import * as limits from './limits.ts'
import { renderTemplate } from './render.ts'
import { countGraphemes } from './texts.ts'
import type { TemplateContent } from './types.ts'

/**
 * What LINE would refuse of a template, or what makes no sense, by field (`/carousel_items/0/title`). Tags and templates
 * that it names are not looked up here. Every fault of LINE's that a template can cause is found here first.
 */
export function templateFaults(template: TemplateContent): readonly FieldError[] {
  const { name, notification_text: notification, preview_text: preview } = template
  const faults = [
    ...textFaults('/name', name, { most: limits.NAME_LENGTH }),
    ...textFaults('/notification_text', notification, { most: limits.NAME_LENGTH }),
    ...textFaults('/preview_text', preview, { most: limits.NAME_LENGTH }),
    ...foreignFields(template),
    ...contentFaults(template),
    ...buttonFaults(template),
    ...itemFaults(template),
    ...resultFaults(template),
  ]
  return faults.length > 0 ? faults : sizeFaults(template)
}

/** Fields that a type doesn't have: they would be lost. */
function foreignFields(template: TemplateContent): FieldError[] {
  const {
    type,
    content,
    buttons,
    carousel_items: items,
    interaction_tag_id: tag,
    interaction_result: result,
  } = template
  const hasPictures = type === 'image_click' || type === 'image_card'
  const words = 'needs something to tap, which a text has not'
  return [
    ...(hasPictures && content !== null ? [fieldError('/content', 'is not shown by this type')] : []),
    ...(type !== 'text_button' && (buttons?.length ?? 0) > 0
      ? [fieldError('/buttons', 'are not shown by this type')]
      : []),
    ...(!hasPictures && items.length > 0 ? [fieldError('/carousel_items', 'are not shown by this type')] : []),
    ...(type === 'text' && tag !== null ? [fieldError('/interaction_tag_id', words)] : []),
    ...(type === 'text' && result !== null ? [fieldError('/interaction_result', words)] : []),
  ]
}

function contentFaults({ type, content }: TemplateContent): FieldError[] {
  if (type !== 'text' && type !== 'text_button') return []
  return content === null
    ? [fieldError('/content', 'is required')]
    : textFaults('/content', content, { most: limits.TEXT_LENGTH, unit: 'utf16', hasLines: true })
}

function buttonFaults(template: TemplateContent): FieldError[] {
  const { type, buttons, interaction_tag_id: tag, interaction_result: result } = template
  if (type !== 'text_button') return []
  const all = buttons ?? []
  if (all.length < 1 || all.length > limits.MOST_BUTTONS)
    return [fieldError('/buttons', `must have 1 to ${limits.MOST_BUTTONS} items`)]
  const labels = all.map(({ label }) => label)
  return all.flatMap(({ label, action_url: url, interaction_tag_id: own }, n) => [
    ...labelFaults(`/buttons/${n}/label`, label),
    ...(labels.indexOf(label) < n ? [fieldError(`/buttons/${n}/label`, 'is that of another button')] : []),
    ...(url === null && result === null && tag === null && own === null
      ? [fieldError(`/buttons/${n}/action_url`, 'is required, unless there is an interaction_result or tag')]
      : addressFaults(`/buttons/${n}/action_url`, url)),
  ])
}

function labelFaults(path: string, label: string): FieldError[] {
  const faults = textFaults(path, label, { most: limits.LABEL_UNITS, unit: 'utf16' })
  if (faults.length > 0 || countGraphemes(label) <= limits.LABEL_LENGTH) return faults
  return [fieldError(path, `must not be longer than ${limits.LABEL_LENGTH} characters`)]
}

function itemFaults({ type, carousel_items: items }: TemplateContent): FieldError[] {
  if (type !== 'image_click' && type !== 'image_card') return []
  if (type === 'image_click' && items.length !== 1) return [fieldError('/carousel_items', 'must have exactly 1 item')]
  if (items.length < 1 || items.length > limits.MOST_CARDS)
    return [fieldError('/carousel_items', `must have 1 to ${limits.MOST_CARDS} items`)]
  return items.flatMap(({ image_url: image, title, description, price, action_url: url }, n) => {
    const path = `/carousel_items/${n}`
    return [
      ...pictureFaults(`${path}/image_url`, image),
      ...textFaults(`${path}/title`, title, { most: limits.TITLE_LENGTH }),
      ...textFaults(`${path}/description`, description, { most: limits.DESCRIPTION_LENGTH, hasLines: true }),
      ...(price !== null && !hasTwoDecimals(price)
        ? [fieldError(`${path}/price`, 'must not have more than two decimals')]
        : []),
      ...addressFaults(`${path}/action_url`, url),
    ]
  })
}

function resultFaults({ type, interaction_result: result }: TemplateContent): FieldError[] {
  if (result === null || type === 'text') return []
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
  if (url === null) return []
  const written = actionAddress(url)
  if (written === undefined) return [fieldError(path, 'must be a web address, or tel: or line://')]
  return lengthFaults(path, written)
}

function pictureFaults(path: string, url: string): FieldError[] {
  const written = pictureAddress(url)
  if (written === undefined) return [fieldError(path, 'must be an https address, or the path of an uploaded picture')]
  return lengthFaults(path, written)
}

/** An address grows when it is encoded. */
function lengthFaults(path: string, written: string): FieldError[] {
  return written.length > limits.ADDRESS_LENGTH
    ? [fieldError(path, `must not be longer than ${limits.ADDRESS_LENGTH} characters once it is encoded`)]
    : []
}

interface TextRule {
  readonly most: number
  /** What is counted: UTF-16 units as LINE does, or without it code points as the columns do. */
  readonly unit?: 'utf16'
  readonly hasLines?: boolean
}

const visible = new RegExp(notBlank)

function textFaults(path: string, text: string | null, { most, unit, hasLines = false }: TextRule): FieldError[] {
  if (text === null) return []
  if (!visible.test(text)) return [fieldError(path, 'must not be blank')]
  if (!text.isWellFormed() || /\p{Cc}/u.test(hasLines ? text.replaceAll(/[\n\t]/g, '') : text))
    return [fieldError(path, 'must not contain control characters')]
  if (text.includes(TOKEN_PLACE)) return [fieldError(path, `must not contain ${TOKEN_PLACE}, which has a meaning here`)]
  const length = unit === 'utf16' ? text.length : [...text].length
  return length > most ? [fieldError(path, `must not be longer than ${most} characters`)] : []
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
  const isTooLarge =
    bytes(contents) > limits.CAROUSEL_BYTES || all.some((bubble) => bytes(bubble) > limits.BUBBLE_BYTES)
  const path = template.type === 'text_button' ? '/content' : '/carousel_items'
  return isTooLarge ? [fieldError(path, 'is too large for LINE')] : []
}
