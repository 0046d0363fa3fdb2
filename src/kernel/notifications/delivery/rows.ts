import type { OperationRow } from '../../audit/store.ts'
import type { Catalogue } from '../texts/catalogue.ts'
import type { Rendered } from '../texts/templates.ts'
import { isMandatory, type NotificationType } from '../texts/types.ts'

/** An outbox row that nobody can hand on, however often it is tried. */
class NotForwardable extends Error {}

/** The type is not known here: another process may have added it since this one last looked. */
export class UnknownType extends NotForwardable {}

/** A message row of the outbox, checked and rendered: what the relay hands to its INSERT as JSON. */
export interface Prepared {
  readonly type: string
  /** By language; `*` for every other. */
  readonly texts: Readonly<Record<string, Rendered>>
  readonly data: object
  readonly urgent: boolean
  /** Nobody can switch it off. */
  readonly mandatory: boolean
  readonly key: string | null
  readonly at: Date
  /** Channels besides the inbox. */
  readonly channels: readonly string[]
  /** The channels were chosen by whoever sent it. */
  readonly chosen: boolean
  readonly userIds: readonly number[]
}

/** Longer ones don't fit the unique index. */
const KEY_LENGTH = 500

/**
 * Checks and renders what stands in `outbox.message`.
 * @throws UnknownType; NotForwardable when the data doesn't fit the type.
 */
export function readMessage(catalogue: Catalogue, value: unknown, at: Date): Prepared {
  const { type: name, userIds, data, key, channels } = object(value, 'message')
  const type = typeof name === 'string' ? catalogue.typeOf(name) : undefined
  if (!type) throw new UnknownType(`unknown notification type ${JSON.stringify(name)}`)
  if (!isIds(userIds)) throw new NotForwardable(`${type.key}: userIds is not a list of ids`)
  if (key !== undefined && (typeof key !== 'string' || key.length > KEY_LENGTH)) {
    throw new NotForwardable(`${type.key}: key is not a text of at most ${KEY_LENGTH} characters`)
  }
  const facts = object(data, `${type.key}: data`)
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

/**
 * Checks what stands in `outbox.operation`.
 * @throws NotForwardable when it is not what `operationJson` writes.
 */
export function readOperation(value: unknown, at: Date): OperationRow {
  const { actorId = null, action, resource, resourceId, changes, address, requestId } = object(value, 'operation')
  if (typeof action !== 'string' || typeof resource !== 'string' || !(actorId === null || isId(actorId))) {
    throw new NotForwardable('operation without action, resource or actor')
  }
  return {
    at,
    actorId,
    action,
    resource,
    resourceId: text(resourceId),
    changes: changes === null || changes === undefined ? null : object(changes, 'changes'),
    address: text(address),
    requestId: text(requestId),
  }
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new NotForwardable(`${what} is not an object`)
  return Object.fromEntries(Object.entries(value))
}

function text(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}

function isIds(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isId)
}
