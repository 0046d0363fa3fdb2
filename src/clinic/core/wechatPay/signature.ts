import { createDecipheriv, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

// Signatures and encryption of WeChat Pay API v3.

/** Seconds by which the time of a signature may differ from ours. */
const TOLERANCE_SECONDS = 300

/** A merchant's key for signing requests. */
export interface MerchantKey {
  readonly merchantId: string
  readonly serial: string
  readonly privateKey: KeyObject
}

/** WeChat Pay's key for checking signatures. */
export interface PlatformKey {
  readonly id: string
  readonly publicKey: KeyObject
}

/** A request to sign: `target` is the path with its query, `body` is '' if there is none. */
export interface SignedRequest {
  readonly method: string
  readonly target: string
  readonly body: string
}

/** The Authorization header of a request. */
export function authorization({ method, target, body }: SignedRequest, key: MerchantKey, now: Date): string {
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const nonce = randomBytes(16).toString('hex')
  const text = `${method}\n${target}\n${timestamp}\n${nonce}\n${body}\n`
  const signature = sign('sha256', Buffer.from(text), key.privateKey).toString('base64')
  const fields = { mchid: key.merchantId, nonce_str: nonce, signature, timestamp, serial_no: key.serial }
  const list = Object.entries(fields).map(([name, value]) => `${name}="${value}"`)
  return `WECHATPAY2-SHA256-RSA2048 ${list.join(',')}`
}

/** The headers that carry a signature of WeChat Pay. */
export interface SignatureHeaders {
  readonly serial: string
  readonly signature: string
  readonly timestamp: string
  readonly nonce: string
}

/** The signature headers of a request that came to us; a missing one is ''. */
export function signatureHeaders(headers: IncomingHttpHeaders): SignatureHeaders {
  const text = (name: string) => {
    const value = headers[`wechatpay-${name}`]
    return typeof value === 'string' ? value : ''
  }
  return { serial: text('serial'), signature: text('signature'), timestamp: text('timestamp'), nonce: text('nonce') }
}

/** Why a body isn't signed by WeChat Pay; null if it is. */
export function faultOfSignature(
  { serial, signature, timestamp, nonce }: SignatureHeaders,
  body: Buffer,
  key: PlatformKey,
  now: Date,
): string | null {
  if (serial !== key.id) return 'the signature is by another key'
  if (!/^\d{1,12}$/.test(timestamp)) return 'the signature has no time'
  if (Math.abs(now.getTime() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return 'the signature is too old'
  const text = Buffer.concat([Buffer.from(`${timestamp}\n${nonce}\n`), body, Buffer.from('\n')])
  const isGood = verify('sha256', text, key.publicKey, Buffer.from(signature, 'base64'))
  return isGood ? null : 'the signature is wrong'
}

/** An encrypted part of a notification. */
export interface EncryptedResource {
  readonly algorithm: string
  readonly ciphertext: string
  readonly nonce: string
  readonly associatedData: string
}

const TAG_BYTES = 16

/** The text of an encrypted resource (AES-256-GCM). @throws Error if it was not encrypted with the key */
export function decrypt({ algorithm, ciphertext, nonce, associatedData }: EncryptedResource, key: string): string {
  if (algorithm !== 'AEAD_AES_256_GCM') throw new Error('an unknown algorithm')
  const bytes = Buffer.from(ciphertext, 'base64')
  if (bytes.length <= TAG_BYTES || nonce.length !== 12) throw new Error('an incomplete resource')
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key), Buffer.from(nonce), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(associatedData))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8')
}
