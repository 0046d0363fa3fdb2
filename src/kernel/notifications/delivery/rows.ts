import { isId, membersOf, NotForwardable } from '../../outbox/contents.ts'
import type { Catalogue } from '../texts/catalogue.ts'
import type { Rendered } from '../texts/templates.ts'
import { isMandatory, type NotificationType } from '../texts/types.ts'

/** This process does not know the type; another process may have added it since the catalogue was read. */
export class UnknownType extends NotForwardable {}

/** A message row of the outbox, checked and rendered, in the JSON form that the INSERT of messages takes. */
export interface Prepared {
  readonly type: string
  /** Texts by language; `*` for all other languages. */
  readonly texts: Readonly<Record<string, Rendered>>
  readonly data: object
  readonly urgent: boolean
  /** It can't be switched off. */
  readonly mandatory: boolean
  readonly key: string | null
  readonly at: Date
  /** Channels besides the inbox. */
  readonly channels: readonly string[]
  /** The channels were chosen by the sender. */
  readonly chosen: boolean
  readonly userIds: readonly number[]
}

/** Longest key in characters: longer ones don't fit the unique index. */
const KEY_LENGTH = 500

/**
 * Checks and renders the content of `outbox.message`.
 * @throws UnknownType; NotForwardable when the data doesn't fit the type.
 */
export function readMessage(catalogue: Catalogue, value: unknown, at: Date): Prepared {
  const { type: name, userIds, data, key, channels } = membersOf(value, 'message')
  const type = typeof name === 'string' ? catalogue.typeOf(name) : undefined
  if (!type) throw new UnknownType(`unknown notification type ${JSON.stringify(name)}`)
  if (!isIds(userIds)) throw new NotForwardable(`${type.key}: userIds is not a list of ids`)
  if (key !== undefined && (typeof key !== 'string' || key.length > KEY_LENGTH)) {
    throw new NotForwardable(`${type.key}: key is not a text of at most ${KEY_LENGTH} characters`)
  }
  const facts = membersOf(data, `${type.key}: data`)
  try {
    const texts = catalogue.inboxTexts(type, facts)
    return {
      type: type.key,
      texts,
      data: facts,
      urgent: type.urgent,
      mandatory: isMandatory(type),
      key: key ?? null,
      at,
      channels: channelsOf(catalogue, type, channels),
      chosen: channels !== undefined,
      userIds: [...new Set(userIds)],
    }
  } catch (error) {
    throw new NotForwardable(`${type.key}: ${error instanceof Error ? error.message : String(error)}`.slice(0, 500))
  }
}

function channelsOf({ channels }: Catalogue, type: NotificationType, chosen: unknown): readonly string[] {
  const wanted: readonly unknown[] = Array.isArray(chosen) ? chosen : type.channels
  return channels.delivered.map(({ key }) => key).filter((key) => wanted.includes(key))
}

function isIds(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isId)
}
