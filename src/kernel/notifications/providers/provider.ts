import type { DeliveryChannel } from '../channels.ts'

/** A message in the form that a provider takes. */
export interface ProviderMessage {
  /** The delivery's id: the same for every try. */
  readonly id: number
  /** Instant at which the delivery was created; together with `id` it identifies the message. */
  readonly at: Date
  /** Mail address, phone number in E.164, or the name of a person or robot at an IM provider. */
  readonly to: string
  readonly toName: string
  readonly subject: string
  readonly text: string
  /** Rich text, for channels that have it. */
  readonly html?: string | undefined
  /** One-click unsubscribe link (RFC 8058). */
  readonly unsubscribeUrl?: string | undefined
  /** The template registered at the provider and its variables in order, for channels that have such templates. */
  readonly template?: { readonly code: string; readonly params: readonly (readonly [string, string])[] } | undefined
}

/**
 * A rate limit over all processes: at most `limit` messages in any `seconds`, per recipient or for the whole provider.
 */
export interface Pace {
  readonly per: 'recipient' | 'provider'
  readonly limit: number
  readonly seconds: number
}

/** The provider accepted a message and gave it this id. */
export interface Taken {
  readonly providerId: string
}

/** Sends the messages of one lane. Several processes may call it at once. */
export interface Provider {
  /**
   * Lane: the queue of deliveries of one provider. The name is unique among the providers: `email`, `sms`, `wecom`,
   * `wecom_robot` … Several lanes may belong to one channel.
   */
  readonly lane: string
  /** Key of its channel. */
  readonly channel: string
  /** Shown in the history: `smtp`, `aliyun` … */
  readonly name: string
  /** False for files, which disturb nobody: quiet hours and caps do not apply. */
  readonly rings: boolean
  readonly pace?: Pace
  /** Repeating a message is harmless: the provider recognises it by its id, or is queried first. */
  readonly knowsRepeats?: boolean
  /** Pattern of valid addresses. */
  readonly address: RegExp
  /**
   * Sends a message. `again`: it may have been sent before without our knowing.
   * @throws Refused
   */
  send(message: ProviderMessage, again?: boolean): Promise<Taken>
  /**
   * For a provider that takes several messages in one call. Each is still claimed, decided about and recorded by
   * itself.
   */
  readonly several?: {
    readonly most: number
    /** Returns one result per message, in their order. @throws Refused when none was accepted */
    send(messages: readonly ProviderMessage[]): Promise<readonly (Taken | Refused)[]>
  }
  close(): Promise<void>
}

/** The configured provider that sends a channel's messages to single persons. */
export function providerFor<T extends Pick<Provider, 'lane'>>(
  channel: Pick<DeliveryChannel, 'lane'>,
  providers: readonly T[],
): T | undefined {
  return providers.find(({ lane }) => lane === channel.lane)
}

/**
 * Why a message was not accepted.
 * `address`: this address will never work.
 * `message`: this message will never work.
 * `busy`: too many messages at once; nothing is wrong.
 * `ours`: a fault of our account or configuration.
 * `unheard`: the message was sent but no answer came, so it may have been accepted.
 * `temporary`: any other fault that may pass.
 */
export type RefusalKind = 'address' | 'message' | 'busy' | 'ours' | 'unheard' | 'temporary'

/** The message was not accepted. */
export class Refused extends Error {
  readonly kind: RefusalKind
  /** Seconds that the provider asked us to wait. */
  readonly retryAfter: number | undefined

  constructor(reason: string, kind: RefusalKind, retryAfter?: number) {
    super(recordable(withoutContacts(reason)))
    this.name = 'Refused'
    this.kind = kind
    this.retryAfter = retryAfter
  }
}

/** Whether another try can't help. */
export function isFinal(kind: RefusalKind): boolean {
  return kind === 'address' || kind === 'message'
}

const LONGEST_RECORD = 300

/** Foreign text in a form that the database takes: well-formed, without NUL, at most 300 characters. */
export function recordable(text: string): string {
  return text.slice(0, LONGEST_RECORD).replaceAll('\0', '').toWellFormed()
}

/** Masks addresses, phone numbers and URLs: providers repeat addresses in their answers, and URLs may contain keys. */
export function withoutContacts(reason: string): string {
  return reason
    .replace(/https?:\/\/[^\s"']+/g, '***')
    .replace(/[^\s<>"']+@[^\s<>"']+/g, '***')
    .replace(/\+?\d{8,}/g, '***')
}
