import { createHmac, timingSafeEqual } from 'node:crypto'

/** The signature of a webhook body: HMAC-SHA256 by the channel's secret, in base64. */
export function signatureOf(secret: string, body: Buffer | string): string {
  return createHmac('sha256', secret).update(body).digest('base64')
}

/** Whether a signature (`x-line-signature`) is right. Takes the same time for any wrong one. */
export function isSigned(secret: string, body: Buffer | string, signature: string): boolean {
  const right = Buffer.from(signatureOf(secret, body))
  const given = Buffer.from(signature)
  return given.length === right.length && timingSafeEqual(given, right)
}
