/** The ways a message reaches a person. `inbox` always happens; the others only where they are configured. */
export type Channel = 'inbox' | 'websocket' | 'email'

/** A kind of notification a product registers in code. */
export interface NotificationType {
  /** Unique over all products: `reservation.confirmed`. */
  readonly key: string
  readonly title: string
  readonly category: 'reservation' | 'account' | 'notice' | 'system'
  /** Urgent types ignore quiet hours and can't be switched off. */
  readonly urgent: boolean
  /** Channels beyond the inbox that new users get. */
  readonly channels: readonly Channel[]
  /** LiquidJS over the event's data. Unknown variables are refused when the program starts. */
  readonly subject: string
  readonly body: string
  /** Sample data for previews and for checking the templates. */
  readonly sample: Readonly<Record<string, unknown>>
}
