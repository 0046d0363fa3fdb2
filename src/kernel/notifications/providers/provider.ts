import type { DeliveryChannel } from '../channels.ts'

/** A message as a provider is handed it. */
export interface ProviderMessage {
  /** The delivery's id: the same for every try. */
  readonly id: number
  /** When the delivery was made; with `id` it names the message. */
  readonly at: Date
  /** Mail address, phone number in E.164, or the name of a person at an IM provider. */
  readonly to: string
  readonly toName: string
  readonly subject: string
  readonly text: string
  /** Rich text, of channels that have it. */
  readonly html?: string | undefined
  /** One click there ends such mails (RFC 8058). */
  readonly unsubscribeUrl?: string | undefined
  /** The template registered at the provider, of channels that have them, with its variables in order. */
  readonly template?: { readonly code: string; readonly params: readonly (readonly [string, string])[] } | undefined
}

/** At most `limit` messages in any `seconds`, over all processes; `per` says whether that counts the recipient's or all messages. */
export interface Pace {
  readonly per: 'recipient' | 'provider'
  readonly limit: number
  readonly seconds: number
}

/** The other side took a message, and has it under this name. */
export interface Taken {
  readonly providerId: string
}

/** Carries the messages of one lane. Several processes may call it at once. */
export interface Provider {
  /**
   * Name of the queue of deliveries that this provider sends, unique among the providers: `email`, `sms`, `wecom`, `wecom_robot` …
   * Several lanes may belong to one channel.
   */
  readonly lane: string
  /** Key of its channel. */
  readonly channel: string
  /** Shown in the history: `smtp`, `aliyun` … */
  readonly name: string
  /** False for what rings nowhere (files): quiet hours and caps don't hold it up. */
  readonly rings: boolean
  readonly pace?: Pace
  /** A repeated message does no harm: the other side knows it by its name, or is asked first. */
  readonly knowsRepeats?: boolean
  /** What an address must look like. */
  readonly address: RegExp
  /**
   * Hands a message over. `again`: it may have been handed over before, without our record.
   * @throws Refused
   */
  send(message: ProviderMessage, again?: boolean): Promise<Taken>
  /** For a provider that takes several messages at once (multicast): each is claimed, decided about and recorded by itself all the same. */
  readonly several?: {
    readonly most: number
    /** Answers for each message, in their order. @throws Refused when none was taken */
    send(messages: readonly ProviderMessage[]): Promise<readonly (Taken | Refused)[]>
  }
  close(): Promise<void>
}

/** The provider of those configured that carries a channel's messages to single persons. */
export function providerFor<T extends Pick<Provider, 'lane'>>(
  channel: Pick<DeliveryChannel, 'lane'>,
  providers: readonly T[],
): T | undefined {
  return providers.find(({ lane }) => lane === channel.lane)
}

/**
 * Why a message was not taken. `address`: this address will never work. `message`: this message won't. `busy`: too much at once, nothing
 * is wrong. `ours`: our account or configuration. `unheard`: it was handed over and we heard no answer, so it may have been taken. `temporary`:
 * anything else that may pass.
 */
export type RefusalKind = 'address' | 'message' | 'busy' | 'ours' | 'unheard' | 'temporary'

/** The message was not taken. */
export class Refused extends Error {
  readonly kind: RefusalKind
  /** Seconds the other side asked us to wait. */
  readonly retryAfter: number | undefined

  constructor(reason: string, kind: RefusalKind, retryAfter?: number) {
    super(recordable(withoutContacts(reason)))
    this.name = 'Refused'
    this.kind = kind
    this.retryAfter = retryAfter
  }
}

/** True when another try can't help. */
export function isFinal(kind: RefusalKind): boolean {
  return kind === 'address' || kind === 'message'
}

const LONGEST_RECORD = 300

/** What others say, so that the database takes it whatever it is: well-formed, without NUL, at most 300 characters. */
export function recordable(text: string): string {
  return text.slice(0, LONGEST_RECORD).replaceAll('\0', '').toWellFormed()
}

/** A reason without what is nobody else’s business: providers repeat addresses and numbers in their answers, and errors name URLs with keys. */
export function withoutContacts(reason: string): string {
  return reason
    .replace(/https?:\/\/[^\s"']+/g, '***')
    .replace(/[^\s<>"']+@[^\s<>"']+/g, '***')
    .replace(/\+?\d{8,}/g, '***')
}
