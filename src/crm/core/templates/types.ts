/** The kinds of templates of the document. */
export const TEMPLATE_TYPES = ['text', 'text_button', 'image_click', 'image_card'] as const
export type TemplateType = (typeof TEMPLATE_TYPES)[number]

/** A button below a text. Without an address the template's `interaction_result` says what a tap does. */
export interface Button {
  readonly label: string
  readonly action_url: string | null
  readonly interaction_tag_id: number | null
}

/** A picture with its text. */
export interface CarouselItem {
  /** An https address, or a path of an uploaded picture on this server. */
  readonly image_url: string
  readonly title: string | null
  readonly description: string | null
  /** In the currency's unit, at most two decimals. */
  readonly price: number | null
  readonly action_url: string | null
  readonly interaction_tag_id: number | null
  readonly sort_order: number
}

/** What a tap does that has no address of its own: leads to an address, sends another template, or both. */
export interface InteractionResult {
  readonly type: 'redirect' | 'template' | 'both'
  readonly url: string | null
  readonly template_id: number | null
}

/** What people say about a template. */
export interface TemplateContent {
  readonly type: TemplateType
  readonly name: string | null
  readonly content: string | null
  readonly buttons: readonly Button[] | null
  readonly notification_text: string | null
  readonly preview_text: string | null
  readonly interaction_tag_id: number | null
  readonly interaction_result: InteractionResult | null
  readonly carousel_items: readonly CarouselItem[]
}

/** A stored template. */
export interface Template extends Omit<TemplateContent, 'carousel_items'> {
  readonly id: number
  readonly version: number
  readonly carousel_items: readonly (CarouselItem & { readonly id: number })[]
  readonly created_at: Date
  readonly updated_at: Date | null
}

/** What a tap on a part of a message does. */
export interface TemplateLink {
  readonly position: number
  readonly label: string
  /** Null: a tap sends the template `templateId`, and opens no page. */
  readonly url: string | null
  readonly templateId: number | null
  /** Interaction tags of the part and of its template. */
  readonly tagIds: readonly number[]
}
