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
  /** Urgent types ignore quiet hours and caps, and can't be switched off. */
  readonly urgent: boolean
  /**
   * Keys of the channels (see ../channels.ts) besides the inbox that people get it by, unless they choose otherwise.
   */
  readonly channels: readonly string[]
  /** A delivery is given up after failing for this many hours, or for those of its channel if they are fewer. */
  readonly goodForHours?: number
  /** LiquidJS template over the event's data. The program does not start with unknown variables in it. */
  readonly subject: string
  readonly body: string
  /** Sample data for previews and for checking the templates. */
  readonly sample: Readonly<Record<string, unknown>>
}

/** Whether a type can't be switched off: it is urgent, or about the account. */
export function isMandatory(type: Pick<NotificationType, 'urgent' | 'category'>): boolean {
  return type.urgent || type.category === 'account'
}
