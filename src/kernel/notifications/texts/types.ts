/** The ways a message reaches a person. `inbox` always happens; the others only where they are configured. */
export type Channel = 'inbox' | 'websocket' | 'email' | 'sms' | 'im'

/** The channels that a message is delivered by, one delivery each: whoever is away hears of it all the same. */
export const DELIVERED = ['email', 'sms', 'im'] as const
export type Delivered = (typeof DELIVERED)[number]

/** The channels a person can switch on and off. */
export const SWITCHABLE = ['websocket', ...DELIVERED] as const
export type Switchable = (typeof SWITCHABLE)[number]

/** The channels that have texts of their own; the WebSocket shows those of the inbox. */
export const WRITTEN = ['inbox', ...DELIVERED] as const
export type Written = (typeof WRITTEN)[number]

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
  /** Channels beyond the inbox that new users get. */
  readonly channels: readonly Channel[]
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
