import { createHmac, timingSafeEqual } from 'node:crypto'

/** Stands in the frozen messages of a campaign for the token of each recipient. */
export const TOKEN_PLACE = '{token}'

function mark(linkKey: string, what: string): Buffer {
  return createHmac('sha256', linkKey).update(what).digest()
}

/** The token of a recipient in links: who it is, signed by the campaign's own key, which never changes. */
export function tokenOf(linkKey: string, campaignId: number, recipientId: number): string {
  const who = `${campaignId.toString(36)}.${recipientId.toString(36)}`
  return `c.${who}.${mark(linkKey, `link ${who}`).subarray(0, 16).toString('base64url')}`
}

/** A token as it came back, not yet checked: `isToken` does that with the campaign's key. */
export interface GivenToken {
  readonly campaignId: number
  readonly recipientId: number
  readonly token: string
  /** The link; null: the image that counts the opening. */
  readonly position: number | null
}

/** Reads a token of a link or image; undefined if it can't be one of a campaign. */
export function readToken(text: string): GivenToken | undefined {
  const [, token, campaign = '', recipient = '', position] =
    /^(c\.([0-9a-z]{1,10})\.([0-9a-z]{1,10})\.[\w-]{22})(?:\.(\d{1,2}))?$/.exec(text) ?? []
  if (token === undefined) return undefined
  const [campaignId, recipientId] = [Number.parseInt(campaign, 36), Number.parseInt(recipient, 36)]
  return { campaignId, recipientId, token, position: position === undefined ? null : Number(position) }
}

/** Whether a token was made by the campaign of this key. */
export function isToken(linkKey: string, { campaignId, recipientId, token }: GivenToken): boolean {
  const right = Buffer.from(tokenOf(linkKey, campaignId, recipientId))
  const given = Buffer.from(token)
  return right.length === given.length && timingSafeEqual(right, given)
}

/**
 * The retry key of a call: the same for the same batch or recipient and round, whoever makes the call and whenever, so
 * that a repeat after a crash is no second message.
 */
export function retryKeyOf(linkKey: string, kind: 'push' | 'multicast', id: number, round: number): string {
  const bytes = mark(linkKey, `retry ${kind} ${id} ${round}`).subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
