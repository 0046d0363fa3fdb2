import type { IncomingHttpHeaders } from 'node:http'

// The port to a payment platform at which people pay by scanning a code. Amounts are in fen.

/** A payment to open. Opening it again with the same values gives the same payment. */
export interface NewPayment {
  /** Our number of the payment. */
  readonly number: string
  readonly amount: number
  /** Shown to the person who pays. */
  readonly description: string
  /** The platform refuses payments from then on. */
  readonly expiresAt: Date
}

/** What the platform says about a payment. */
export interface PaymentReport {
  readonly number: string
  readonly state: 'open' | 'paid' | 'closed'
  /** The platform's number, once it is paid. */
  readonly transactionId: string | null
  /** What was to pay; null if the platform does not say. */
  readonly amount: number | null
}

/** A refund to send. Sending it again with the same values gives the money back once. */
export interface NewRefund {
  /** Our number of the refund. */
  readonly refundNumber: string
  /** Our number of the payment, and its amount. */
  readonly number: string
  readonly total: number
  readonly amount: number
  readonly reason: string
}

/** What the platform says about a refund. */
export interface RefundReport {
  readonly refundNumber: string
  /** Our number of its payment. */
  readonly number: string
  readonly state: 'accepted' | 'done' | 'failed'
  readonly amount: number
  /** The platform's word for the state. */
  readonly word: string
}

/** A notification of the platform; null content: of a kind that we don't need. */
export type Notification =
  | { readonly payment: PaymentReport; readonly refund?: undefined }
  | { readonly refund: RefundReport; readonly payment?: undefined }
  | null

/** A payment platform. */
export interface PaymentPlatform {
  /** Opens a payment. Returns the content of its QR code. @throws PlatformFault */
  open(payment: NewPayment): Promise<string>
  /** Asks for a payment by our number; null if the platform doesn't know it. @throws PlatformFault */
  find(number: string): Promise<PaymentReport | null>
  /** Closes an unpaid payment for good. @throws PlatformFault, also if it is paid */
  close(number: string): Promise<void>
  /** Sends a refund. @throws PlatformFault; it may have been accepted all the same */
  refund(refund: NewRefund): Promise<RefundReport>
  /** Asks for a refund by our number; null if the platform doesn't know it. @throws PlatformFault */
  findRefund(refundNumber: string): Promise<RefundReport | null>
  /** Checks and reads a notification; `body` is as it was sent. @throws PlatformFault if it isn't the platform's. */
  read(headers: IncomingHttpHeaders, body: Buffer): Notification
}

/**
 * The platform did not do what it was asked. `unreachable`: it may have done it, or will do it later. `refused`: it
 * answered an error code. `untrusted`: an answer or a notification is not from the platform, or not about us.
 */
export class PlatformFault extends Error {
  readonly kind: 'unreachable' | 'refused' | 'untrusted'
  /** The platform's error code. */
  readonly code: string | null

  constructor(kind: PlatformFault['kind'], message: string, code: string | null = null) {
    super(message)
    this.name = 'PlatformFault'
    this.kind = kind
    this.code = code
  }
}
