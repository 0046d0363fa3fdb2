import type { Database } from '../../database/database.ts'

export const LOCALES = ['zh-CN', 'zh-TW', 'en'] as const
export type Locale = (typeof LOCALES)[number]

/** The language of the texts of types in code. */
export const DEFAULT_LOCALE = 'zh-CN' satisfies Locale

/** LiquidJS templates of a notification. */
export interface Texts {
  readonly subject: string
  readonly body: string
}

export const CATEGORIES = ['reservation', 'account', 'notice', 'system'] as const
export type Category = (typeof CATEGORIES)[number]

/** A kind of notification: a product registers it in code, or an administrator adds it. */
export interface NotificationType extends Texts {
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
  /**
   * The texts over the event's data (`subject`, `body`) are in Chinese (zh-CN). These are for people who chose another
   * language. The program does not start with unknown variables in any of them.
   */
  readonly translations?: Partial<Readonly<Record<Exclude<Locale, typeof DEFAULT_LOCALE>, Texts>>>
  /**
   * Whether a message is still true. Asked before each try to deliver it, because quiet hours, limits and failures may
   * have held it up; if it answers false, it is not sent.
   */
  readonly stillTrue?: (db: Database, data: Readonly<Record<string, unknown>>) => Promise<boolean>
  /** Sample data for previews and for checking the templates. */
  readonly sample: Readonly<Record<string, unknown>>
}

/** Whether a type can't be switched off: it is urgent, or about the account. */
export function isMandatory(type: Pick<NotificationType, 'urgent' | 'category'>): boolean {
  return type.urgent || type.category === 'account'
}
