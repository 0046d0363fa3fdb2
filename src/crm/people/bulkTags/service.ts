import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { type FieldError, Invalid } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { matchSql, segmentCondition } from '../../core/audience/conditionsStore.ts'
import { zoneOf } from '../../core/days.ts'
import { filterOf, type MemberFilterInput } from '../../core/memberFilters.ts'
import { findTags, type Tag, tagMembers, untagMembers } from '../../core/taggingStore.ts'
import { fieldError, invalidFields } from '../../refusals.ts'
import { crmSettings } from '../../settings.ts'
import * as store from './store.ts'

/** Most members of one request. */
export const MOST_MEMBERS = 100_000

/** Exactly one of the three says which members. */
export interface Selection {
  readonly member_ids?: readonly number[] | undefined
  readonly segment_id?: number | undefined
  readonly filter?: MemberFilterInput | undefined
}

export interface TagChange extends Selection {
  readonly add?: readonly number[] | undefined
  readonly remove?: readonly number[] | undefined
}

/** Numbers of members that were selected, and of tags that were put on and taken off. */
export interface TagCounts {
  readonly members: number
  readonly added: number
  readonly removed: number
}

/**
 * Puts tags on many members, and takes tags off them, in one transaction.
 * @throws Invalid `validation` for unknown tags, members or segment; Invalid `too_many_members` (422)
 */
export async function changeTags(kernel: Kernel, caller: Caller, change: TagChange): Promise<TagCounts> {
  const { add = [], remove = [] } = change
  refuseContradictions(change)
  const now = kernel.clock.now()
  const counts = await kernel.transaction(async (tx) => {
    const ids = await selected(kernel, tx, change, now)
    const tags = await findTags(tx, [...add, ...remove])
    const known = new Set(tags.map(({ id }) => id))
    const unknown = [...unknownTags('add', add, known), ...unknownTags('remove', remove, known)]
    if (unknown.length > 0) throw invalidFields(unknown)
    const wanted = new Set(add)
    const put = tags.filter(({ id }) => wanted.has(id))
    let added = await putOn(
      tx,
      ids,
      put.filter(({ type }) => type === 'member'),
      now,
    )
    // A tag that a member has is no new trigger when a person chooses it again.
    for (const tag of put.filter(({ type }) => type === 'interaction'))
      added += await putOn(tx, await store.withoutTag(tx, ids, tag.id), [tag], now)
    const removed = remove.length === 0 ? 0 : await untagMembers(tx, ids, remove, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'member.bulk-tag',
      resource: 'member',
      changes: {
        ...(add.length > 0 && { add: [null, add] }),
        ...(remove.length > 0 && { remove: [remove, null] }),
        selection: [null, selectionOf(change)],
        counts: [null, { members: ids.length, added, removed }],
      },
    })
    return { members: ids.length, added, removed }
  })
  kernel.nudge()
  return counts
}

async function putOn(tx: Transaction, ids: readonly number[], tags: readonly Tag[], now: Date): Promise<number> {
  return await tagMembers(tx, ids, tags, { source: 'manual' }, now)
}

function refuseContradictions(change: TagChange): void {
  const { add = [], remove = [], member_ids: memberIds, segment_id: segmentId, filter } = change
  const errors: FieldError[] = []
  if ([memberIds, segmentId, filter].filter((one) => one !== undefined).length !== 1)
    errors.push(fieldError('/member_ids', 'give exactly one of member_ids, segment_id and filter'))
  if (add.length + remove.length === 0) errors.push(fieldError('/add', 'name tags to add or to remove'))
  const added = new Set(add)
  for (const [n, id] of remove.entries())
    if (added.has(id)) errors.push(fieldError(`/remove/${n}`, 'is also to be added'))
  if (errors.length > 0) throw invalidFields(errors)
}

function unknownTags(field: string, ids: readonly number[], known: ReadonlySet<number>): readonly FieldError[] {
  return ids.flatMap((id, n) => (known.has(id) ? [] : [fieldError(`/${field}/${n}`, 'is not a tag')]))
}

async function selected(kernel: Kernel, tx: Transaction, change: Selection, now: Date): Promise<readonly number[]> {
  const { member_ids: memberIds, segment_id: segmentId, filter = {} } = change
  const facts = { now, zone: zoneOf(kernel) }
  if (memberIds) return await knownMembers(tx, memberIds)
  if (segmentId !== undefined) {
    const condition = await segmentCondition(tx, segmentId)
    if (!condition) throw invalidFields([fieldError('/segment_id', 'is not a segment')])
    return atMost(await store.lockMembersWhere(tx, matchSql(condition, facts), MOST_MEMBERS + 1))
  }
  const { phoneCountry } = crmSettings.of(kernel.config)
  const condition = store.withFilter(filterOf(kernel, filter), phoneCountry)
  return atMost(await store.lockMembersWhere(tx, condition, MOST_MEMBERS + 1))
}

const MOST_NAMED = 20

async function knownMembers(tx: Transaction, wanted: readonly number[]): Promise<readonly number[]> {
  const ids = await store.lockMembersWhere(tx, store.withIds(wanted), wanted.length)
  const known = new Set(ids)
  const errors = wanted
    .flatMap((id, n) => (known.has(id) ? [] : [fieldError(`/member_ids/${n}`, 'is not a member')]))
    .slice(0, MOST_NAMED)
  if (errors.length > 0) throw invalidFields(errors)
  return ids
}

function atMost(ids: readonly number[]): readonly number[] {
  if (ids.length <= MOST_MEMBERS) return ids
  throw new Invalid('too_many_members', `At most ${MOST_MEMBERS} members can be tagged at once.`, { status: 422 })
}

/** The selection for the operation log, without a long list of ids. */
function selectionOf({ member_ids: ids, segment_id: segmentId, filter }: Selection) {
  if (ids) return { member_ids: ids.slice(0, 100), count: ids.length }
  return segmentId === undefined ? { filter } : { segment_id: segmentId }
}
