import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { FieldCipher } from '../secrets/fields.ts'

/**
 * The channels by which people are told something: one row each. Everything that has to know a channel asks this table, and
 * `recipients.ts` for who gets what by it. A new channel is a row of `CHANNELS` and a provider (see docs/notifications.md).
 */
export type Channel = InboxChannel | DeliveryChannel

interface AnyChannel {
  /** Lower case; stands in preferences, templates, deliveries and the API. */
  readonly key: string
  readonly title: string
  /** People can switch it on and off for each type. */
  readonly switchable: boolean
  /** It has templates of its own. A channel without them shows the texts of the inbox. */
  readonly hasTexts: boolean
}

/** The inbox, and what shows new messages of the inbox at once. Nothing is delivered: there is no provider and no address. */
interface InboxChannel extends AnyChannel {
  readonly delivered: false
}

/** A channel whose messages leave by a provider, one delivery each. */
export interface DeliveryChannel extends AnyChannel {
  readonly delivered: true
  /** Lane of the provider that writes to single persons. Providers of other lanes (robots) write to groups, which are addressed by name. */
  readonly lane: string
  readonly address: AddressOfPerson
  readonly typed: TypedAddress
  /** Digest by which an address is found on the suppression list; equal to `address.key` in the database. */
  keyOf(cipher: Pick<FieldCipher, 'blindIndex'>, address: string): string
  /** What is not urgent waits for the end of quiet hours and for the frequency cap, unless its provider rings nowhere. */
  readonly quietHours: boolean
  /** A message that cannot be delivered by its channel takes the possible channel of the lowest `place`. */
  readonly fallback: {
    readonly place: number
    /** Only for what is urgent or about the account: it costs money. */
    readonly mandatoryOnly: boolean
  }
  /** After so many hours without success a delivery is given up: a later text misleads its reader. */
  readonly goodForHours: number
  /** Templates may have rich text, and messages carry a link to unsubscribe. */
  readonly richText: boolean
  /** Templates may name one that is registered at the provider. */
  readonly registeredTemplates: boolean
  /** Summary of its route `POST /api/notifications/{key}`. */
  readonly sendSummary: string
  /** Its name in generated clients. */
  readonly sendOperationId: string
}

/** Where the address of a person stands. `user`: SQL that names a row of `users`. */
interface AddressOfPerson {
  /** As it is stored; NULL where there is none. */
  stored(user: RawBuilder<unknown>): RawBuilder<unknown>
  /** Its digest. */
  key(user: RawBuilder<unknown>): RawBuilder<unknown>
  /** It is stored encrypted. */
  readonly encrypted: boolean
  /** The member of an account that holds it; absent where it stands in `user_contacts`. */
  readonly account?: 'email' | 'phone'
  /** `user_contacts.kind` of it; absent where it stands in the account. */
  readonly contact?: string
}

/** An address that an administrator types to write to somebody who has no account. */
interface TypedAddress {
  readonly pattern: RegExp
  /** For the API reference. */
  readonly about: string
  readonly example: string
  /** The lane that carries a message to it, and the address as that lane's provider takes it. */
  read(address: string): { readonly lane: string; readonly address: string }
}

/** A phone number in E.164. */
export const PHONE = /^\+[1-9]\d{6,14}$/

/** An address in `user_contacts`. */
export function contactAddress(kind: string): AddressOfPerson {
  const stored = (user: RawBuilder<unknown>) =>
    sql`(SELECT k.address FROM user_contacts k WHERE k.user_id = ${user}.id AND k.kind = ${sql.lit(kind)})`
  return { stored, key: (user) => sql`contact_key(${stored(user)})`, encrypted: false, contact: kind }
}

/** Digest of an address whose upper and lower case are the same: `contact_key` in the database. */
export function contactKey(address: string): string {
  return createHash('sha256').update(address.toLowerCase()).digest('hex')
}

/** The channels of the program. The order is that of lists in answers. */
const CHANNELS: readonly Channel[] = [
  { key: 'inbox', title: '站内信', delivered: false, switchable: false, hasTexts: true },
  { key: 'websocket', title: '实时推送', delivered: false, switchable: true, hasTexts: false },
  {
    ...{ key: 'email', title: '邮件', delivered: true, switchable: true, hasTexts: true },
    lane: 'email',
    address: {
      stored: (user) => sql`${user}.email`,
      key: (user) => sql`contact_key(${user}.email)`,
      encrypted: false,
      account: 'email',
    },
    typed: {
      pattern: /^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>"]+$/,
      about: 'Mail addresses.',
      example: 'lin@example.com',
      read: (address) => ({ lane: 'email', address }),
    },
    keyOf: (_, address) => contactKey(address),
    quietHours: true,
    fallback: { place: 2, mandatoryOnly: false },
    goodForHours: 72,
    richText: true,
    registeredTemplates: false,
    sendSummary: 'Send a mail',
    sendOperationId: 'sendEmail',
  },
  {
    ...{ key: 'sms', title: '短信', delivered: true, switchable: true, hasTexts: true },
    lane: 'sms',
    address: {
      stored: (user) => sql`${user}.phone_encrypted`,
      key: (user) => sql`${user}.phone_index`,
      encrypted: true,
      account: 'phone',
    },
    typed: {
      pattern: PHONE,
      about: 'Phone numbers in E.164.',
      example: '+8613800138000',
      read: (address) => ({ lane: 'sms', address }),
    },
    keyOf: (cipher, address) => cipher.blindIndex(address, 'users.phone'),
    quietHours: true,
    fallback: { place: 3, mandatoryOnly: true },
    goodForHours: 24,
    richText: false,
    registeredTemplates: true,
    sendSummary: 'Send an SMS',
    sendOperationId: 'sendSms',
  },
  {
    ...{ key: 'im', title: '企业即时消息', delivered: true, switchable: true, hasTexts: true },
    lane: 'wecom',
    address: contactAddress('wecom'),
    typed: {
      pattern: /^(wecom:[\w.@-]{1,64}|wecom_robot|dingtalk_robot|feishu_robot)$/,
      about: '`wecom:<member>`, or a group’s robot: `wecom_robot`, `dingtalk_robot`, `feishu_robot`.',
      example: 'wecom_robot',
      read: (address) => ({ lane: address.replace(/:.*/, ''), address: address.replace(/^wecom:/, '') }),
    },
    keyOf: (_, address) => contactKey(address),
    quietHours: true,
    fallback: { place: 1, mandatoryOnly: false },
    goodForHours: 24,
    richText: false,
    registeredTemplates: false,
    sendSummary: 'Send an instant message',
    sendOperationId: 'sendInstantMessage',
  },
]

/** The table of channels, with the lists that are asked for. */
export interface Channels {
  readonly all: readonly Channel[]
  /** Keys of all channels but the inbox, which nobody can switch off. */
  readonly switchable: readonly string[]
  /** Keys of the channels that have templates. */
  readonly withTexts: readonly string[]
  readonly delivered: readonly DeliveryChannel[]
  /** A channel that delivers; undefined for any other key. */
  delivery(key: string): DeliveryChannel | undefined
  /** The channel whose addresses stand in `user_contacts` under a kind. @throws Error when there is none */
  ofContact(kind: string): DeliveryChannel
}

/** Builds the table out of rows. @throws Error for two rows of one key */
export function createChannels(all: readonly Channel[]): Channels {
  const byKey = new Map(all.map((channel) => [channel.key, channel]))
  if (byKey.size < all.length) throw new Error('two channels have one key')
  const delivered = all.filter((channel) => channel.delivered)
  return {
    all,
    switchable: all.filter((channel) => channel.switchable).map(({ key }) => key),
    withTexts: all.filter((channel) => channel.hasTexts).map(({ key }) => key),
    delivered,
    delivery(key) {
      const channel = byKey.get(key)
      return channel?.delivered ? channel : undefined
    },
    ofContact(kind) {
      const channel = delivered.find(({ address }) => address.contact === kind)
      if (!channel) throw new Error(`no channel has contacts of kind ${kind}`)
      return channel
    },
  }
}

/** The channels of the program. */
export const channels = createChannels(CHANNELS)

/** An address as people may see it who have no business with it: `l***@example.com`, `+86*******1234`. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@')
  if (at > 0) return `${[...address][0]}***${address.slice(at)}`
  if (/^\+\d+$/.test(address))
    return `${address.slice(0, 3)}${'*'.repeat(Math.max(address.length - 7, 1))}${address.slice(-4)}`
  return /_robot$/.test(address) ? address : `${[...address][0] ?? ''}***`
}
