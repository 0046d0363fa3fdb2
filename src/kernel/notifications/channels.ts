import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { FieldCipher } from '../secrets/fields.ts'

/**
 * The channels by which people are notified, one row each. All properties of a channel are in this table;
 * `recipients.ts` decides who gets what by it. A new channel needs a row in `CHANNELS` and a provider
 * (see docs/notifications.md).
 */
export type Channel = InboxChannel | DeliveryChannel

interface AnyChannel {
  /** Lower case; used in preferences, templates, deliveries and the API. */
  readonly key: string
  readonly title: string
  /** People can switch it on and off for each type. */
  readonly switchable: boolean
  /** It has templates of its own. Other channels show the texts of the inbox. */
  readonly hasTexts: boolean
}

/** The inbox, or a live view of it. Nothing is delivered: it has no provider and no addresses. */
interface InboxChannel extends AnyChannel {
  readonly delivered: false
}

/** A channel whose messages are sent by a provider, one delivery each. */
export interface DeliveryChannel extends AnyChannel {
  readonly delivered: true
  /**
   * Lane (see `Provider`) of the provider that writes to single persons. Providers of other lanes (robots) write to
   * groups, which are addressed by name.
   */
  readonly lane: string
  readonly address: AddressOfPerson
  readonly typed: TypedAddress
  /** Digest under which an address is on the suppression list; the same as `address.key` in the database. */
  keyOf(cipher: Pick<FieldCipher, 'blindIndex'>, address: string): string
  /** Messages that are not urgent keep quiet hours and the frequency cap, unless the provider rings nowhere. */
  readonly quietHours: boolean
  /** A message that can't be delivered by its channel falls back on the possible channel with the lowest `place`. */
  readonly fallback: {
    readonly place: number
    /** Only for messages that are urgent or about the account, because the channel costs money. */
    readonly mandatoryOnly: boolean
  }
  /** A delivery is given up after failing for this many hours: a text that comes too late misleads its reader. */
  readonly goodForHours: number
  /** Templates may have rich text, and messages carry a link to unsubscribe. */
  readonly richText: boolean
  /** Templates may name a template that is registered at the provider. */
  readonly registeredTemplates: boolean
  /** Summary of the route `POST /api/notifications/{key}`. */
  readonly sendSummary: string
  /** Operation id of that route: its name in generated clients. */
  readonly sendOperationId: string
}

/** Location of a person's address in the database. `user`: SQL that names a row of `users`. */
interface AddressOfPerson {
  /** The address as stored; NULL when there is none. */
  stored(user: RawBuilder<unknown>): RawBuilder<unknown>
  /** Digest of the address. */
  key(user: RawBuilder<unknown>): RawBuilder<unknown>
  /** The address is stored encrypted. */
  readonly encrypted: boolean
  /** The field of the account that holds it; absent when it is in `user_contacts`. */
  readonly account?: 'email' | 'phone'
  /** Its `user_contacts.kind`; absent when it is in the account. */
  readonly contact?: string
}

/** The form of a bare address, as an administrator types it. */
interface TypedAddress {
  readonly pattern: RegExp
  /** For the API reference. */
  readonly about: string
  readonly example: string
  /** Returns the lane for the address, and the address in the form that the lane's provider takes. */
  read(address: string): { readonly lane: string; readonly address: string }
}

/** A phone number in E.164. */
export const PHONE = /^\+[1-9]\d{6,14}$/

/** Location of an address in `user_contacts`. */
export function contactAddress(kind: string): AddressOfPerson {
  const stored = (user: RawBuilder<unknown>) =>
    sql`(SELECT k.address FROM user_contacts k WHERE k.user_id = ${user}.id AND k.kind = ${sql.lit(kind)})`
  return { stored, key: (user) => sql`contact_key(${stored(user)})`, encrypted: false, contact: kind }
}

/** Case-insensitive digest of an address (SHA-256, hex): `contact_key` in the database. */
export function contactKey(address: string): string {
  return createHash('sha256').update(address.toLowerCase()).digest('hex')
}

/** The channels of the program, in the order in which answers list them. */
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

/** The table of channels and selections from it. */
export interface Channels {
  readonly all: readonly Channel[]
  /** Keys of the channels that people can switch off: all but the inbox. */
  readonly switchable: readonly string[]
  /** Keys of the channels that have templates. */
  readonly withTexts: readonly string[]
  readonly delivered: readonly DeliveryChannel[]
  /** A channel that delivers; undefined for any other key. */
  delivery(key: string): DeliveryChannel | undefined
  /** The channel whose addresses are in `user_contacts` under this kind. @throws Error when there is none */
  ofContact(kind: string): DeliveryChannel
}

/** Builds the table from its rows. @throws Error when two rows have the same key */
export function createChannels(all: readonly Channel[]): Channels {
  const byKey = new Map(all.map((channel) => [channel.key, channel]))
  if (byKey.size < all.length) throw new Error('two channels have the same key')
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

/** Masks an address for people who may not see it: `l***@example.com`, `+86*******1234`. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@')
  if (at > 0) return `${[...address][0]}***${address.slice(at)}`
  if (/^\+\d+$/.test(address))
    return `${address.slice(0, 3)}${'*'.repeat(Math.max(address.length - 7, 1))}${address.slice(-4)}`
  return /_robot$/.test(address) ? address : `${[...address][0] ?? ''}***`
}
