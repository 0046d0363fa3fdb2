import type { Delivered } from '../texts/types.ts'

/** One message on its way out. */
export interface Parcel {
  /** The delivery's id: the same for every try. */
  readonly id: number
  /** When the delivery was made; with `id` it names the message. */
  readonly at: Date
  /** Mail address, phone number in E.164, or the name of a person at an IM provider. */
  readonly to: string
  readonly toName: string
  readonly subject: string
  readonly text: string
  /** Rich text, mail only. */
  readonly html?: string | undefined
  /** Where one click ends such mails (RFC 8058). */
  readonly unsubscribeUrl?: string | undefined
  /** The provider's own template and its variables in order, sms only. */
  readonly template?: { readonly code: string; readonly params: readonly (readonly [string, string])[] } | undefined
}

/** At most `limit` messages in any `seconds`, over all processes; `per` says whether that counts the recipient's or all messages. */
export interface Pace {
  readonly per: 'recipient' | 'provider'
  readonly limit: number
  readonly seconds: number
}

/** A way out of the house. One that a program may call from several processes at once. */
export interface Provider {
  /** Unique: `email`, `sms`, `wecom`, `wecom_robot` … Deliveries name it as their lane. */
  readonly lane: string
  readonly channel: Delivered
  /** What stands in the history: `smtp`, `aliyun` … */
  readonly name: string
  /** False for what rings nowhere (files): quiet hours and caps don't hold it up. */
  readonly rings: boolean
  readonly pace?: Pace
  /** The same message handed over again does no harm: the other side knows it by its name, or is asked first. */
  readonly knowsRepeats?: boolean
  /** What an address must look like. */
  readonly address: RegExp
  /**
   * Hands a message over; answers the name under which the other side has it. `again`: it may have been handed over before, without our record.
   * @throws Refused
   */
  send(parcel: Parcel, again?: boolean): Promise<{ readonly providerId: string }>
  close(): Promise<void>
}

/**
 * Why a message was not taken. `address`: this address will never work. `message`: this message won't. `busy`: too much at once, nothing
 * is wrong. `ours`: our account or configuration. `unheard`: it was handed over and nobody answered, so it may have been taken. `temporary`:
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
