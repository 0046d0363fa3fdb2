export const LOCALES = ['zh-CN', 'zh-TW', 'en'] as const
export type Locale = (typeof LOCALES)[number]

export const CATEGORIES = ['reservation', 'account', 'notice', 'system'] as const
export type Category = (typeof CATEGORIES)[number]

/** A kind of notification: a product registers it in code, or an administrator adds it. */
export interface NotificationType {
  /** Unique over all products: `reservation.confirmed`. */
  readonly key: string
  readonly title: string
  readonly category: Category
  /** Urgent types ignore quiet hours and can't be switched off. */
  readonly urgent: boolean
  /** Keys of the channels (see ../channels.ts) beyond the inbox by which people get it unless they say otherwise. */
  readonly channels: readonly string[]
  /** So many hours after it could not be sent nobody needs it any more; unless said a mail is good for three days, a text for one. */
  readonly goodForHours?: number
  /** LiquidJS over the event's data. Unknown variables are refused when the program starts. */
  readonly subject: string
  readonly body: string
  /** Sample data for previews and for checking the templates. */
  readonly sample: Readonly<Record<string, unknown>>
}

/** Whether a person has no say in a type: it is urgent, or about the safety of the account. */
export function isMandatory(type: Pick<NotificationType, 'urgent' | 'category'>): boolean {
  return type.urgent || type.category === 'account'
}
