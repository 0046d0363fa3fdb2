import type { TemplateContent, TemplateLink } from './types.ts'

/** A part of a template that people can tap. */
interface Part {
  readonly label: string
  readonly action_url: string | null
  readonly interaction_tag_id: number | null
}

/** The parts of a template that people can tap, in the order of their positions. */
export function partsOf({ type, buttons, carousel_items: items }: TemplateContent): readonly Part[] {
  if (type === 'text') return []
  if (type === 'text_button') return buttons ?? []
  return items.map(({ title, ...item }, n) => ({ ...item, label: title ?? `圖片 ${n + 1}` }))
}

/**
 * What taps on a template do, by position. An address of the part wins over the template's result; tags of both levels
 * count. A part that does nothing has no link.
 */
export function linksOf(template: TemplateContent): readonly TemplateLink[] {
  const { interaction_result: result, interaction_tag_id: tagId } = template
  return partsOf(template).flatMap((part, position) => {
    const tagIds = [...new Set([part.interaction_tag_id, tagId].filter((id) => id !== null))]
    const url = part.action_url ?? (result?.type === 'template' ? null : (result?.url ?? null))
    const sends = part.action_url === null && result !== null && result.type !== 'redirect'
    const templateId = sends ? result.template_id : null
    if (url === null && templateId === null && tagIds.length === 0) return []
    return [{ position, label: part.label, url, templateId, tagIds }]
  })
}
