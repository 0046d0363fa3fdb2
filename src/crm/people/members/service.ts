import { originOf } from '../../../kernel/audit/origin.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { daysBetween } from '../../../kernel/time.ts'
import { skipRecipients } from '../../core/campaigns/countersStore.ts'
import { insertConsumption } from '../../core/consumptionStore.ts'
import { zoneOf } from '../../core/days.ts'
import type { MemberFilter } from '../../core/memberFilterStore.ts'
import { type MemberFields, memberColumns } from '../../core/members.ts'
import { anonymise, insertMember, lockMembers, updateMember } from '../../core/membersStore.ts'
import { hasTwoDecimals } from '../../core/money.ts'
import { findTags, type Tag, tagMembers, tagsOf, untagMembers } from '../../core/taggingStore.ts'
import { fieldError, invalidFields, missing } from '../../refusals.ts'
import { crmSettings } from '../../settings.ts'
import * as store from './store.ts'

/** A member with their tags. */
export interface ShownMember extends store.MemberRow {
  readonly tags: readonly Tag[]
}

/** A member as the detail shows them. */
export interface MemberDetail extends ShownMember {
  readonly consumption_summary: Awaited<ReturnType<typeof store.spentBy>>
}

/** A page of members with their tags, and the number of all that fit. */
export async function listMembers(
  kernel: Kernel,
  filter: MemberFilter,
  page: store.MemberPage,
): Promise<{ readonly items: readonly ShownMember[]; readonly total: number }> {
  const { phoneCountry } = crmSettings.of(kernel.config)
  return await kernel.withRetries(async (db) => {
    const { items, total } = await store.listMembers(db, filter, phoneCountry, page)
    const tags = await tagsOf(
      db,
      items.map(({ id }) => id),
    )
    return { items: items.map((row) => ({ ...row, tags: tags.get(row.id) ?? [] })), total }
  })
}

/** @throws NotFound; `merged` if the member was merged into another one, which the message names. */
export async function getMember(kernel: Kernel, id: number): Promise<MemberDetail> {
  return await kernel.withRetries((db) => detailOf(db, id))
}

async function detailOf(db: Database, id: number): Promise<MemberDetail> {
  const row = await store.findMember(db, id)
  if (!row) throw await missingMember(db, id)
  const tags = await tagsOf(db, [id])
  return { ...row, tags: tags.get(id) ?? [], consumption_summary: await store.spentBy(db, id) }
}

async function missingMember(db: Database, id: number): Promise<NotFound> {
  const into = await store.mergedInto(db, id)
  if (into === undefined) return missing('member')
  return new NotFound('merged', `This member was merged into member ${into}.`, { facts: { member_id: into } })
}

/**
 * Adds a member by hand.
 * @throws Invalid 422 without a name, address, number or id; Conflict for an address or number that another one has
 */
export async function addMember(kernel: Kernel, caller: Caller, fields: MemberFields): Promise<MemberDetail> {
  const { columns, errors } = memberColumns(kernel, fields)
  const named = [columns.first_name, columns.last_name, columns.email, columns.phone, columns.id_number]
  if (errors.length > 0) throw invalidFields(errors)
  if (named.every((value) => value === null || value === undefined))
    throw invalidFields([fieldError('/first_name', 'give a name, an e-mail address, a phone number or an id number')])
  const at = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    const id = await insertMember(tx, { ...columns, source: 'crm' }, at)
    await note(tx, caller, { action: 'member.add', id, changes: masked(fields) }, at)
    return await detailOf(tx, id)
  })
}

/** Changes a member; absent fields stay, null empties. @throws NotFound; and as `addMember` */
export async function changeMember(
  kernel: Kernel,
  caller: Caller,
  id: number,
  fields: MemberFields,
): Promise<MemberDetail> {
  const { columns, errors } = memberColumns(kernel, fields)
  if (errors.length > 0) throw invalidFields(errors)
  const at = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    const [before] = (await lockMembers(tx, [id])).has(id) ? [await store.findMember(tx, id)] : []
    if (!before) throw await missingMember(tx, id)
    await updateMember(tx, id, columns, at)
    await note(tx, caller, { action: 'member.change', id, changes: masked(fields, before) }, at)
    return await detailOf(tx, id)
  })
}

/** The changed fields for the log, without the id number itself. */
function masked(
  { id_number: idNumber, ...fields }: MemberFields,
  before?: store.MemberRow,
): Record<string, readonly [unknown, unknown]> {
  const old: ReadonlyMap<string, unknown> = new Map(Object.entries(before ?? {}))
  const changed = Object.entries(fields)
    .filter(([name, value]) => value !== undefined && value !== old.get(name))
    .map(([name, value]) => [name, [old.get(name) ?? null, value]] as const)
  return {
    ...Object.fromEntries(changed),
    ...(idNumber !== undefined && { id_number: ['***', idNumber === null ? null : '***'] as const }),
  }
}

/**
 * Deletes a member: everything personal is emptied at once. Messages without text and consumption stay for the totals;
 * what waits for the member is cancelled.
 * @throws NotFound
 */
export async function deleteMember(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await lockMembers(tx, [id])).has(id)) throw await missingMember(tx, id)
    await untagMembers(tx, [id], await store.tagIdsOf(tx, id), at)
    await skipRecipients(tx, id, 'the member was deleted', at)
    await store.emptyConversation(tx, id, at)
    await store.forgetGuest(tx, id)
    await anonymise(tx, id, at)
    await note(tx, caller, { action: 'member.delete', id, changes: {} }, at)
  })
}

/** Puts tags on a member. @throws NotFound; Invalid 422 for unknown tags */
export async function addTags(
  kernel: Kernel,
  caller: Caller,
  id: number,
  tagIds: readonly number[],
): Promise<readonly Tag[]> {
  const at = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    if (!(await lockMembers(tx, [id])).has(id)) throw await missingMember(tx, id)
    const before = (await tagsOf(tx, [id])).get(id) ?? []
    const had = new Set(before.map((tag) => tag.id))
    const tags = await findTags(tx, tagIds)
    const known = new Set(tags.map((tag) => tag.id))
    const faults = tagIds.flatMap((one, n) => (known.has(one) ? [] : [fieldError(`/tag_ids/${n}`, 'is no tag')]))
    if (faults.length > 0) throw invalidFields(faults)
    // A tag that the member has is no new trigger when a person chooses it again.
    const added = tags.filter((tag) => !had.has(tag.id))
    await tagMembers(tx, [id], added, { source: 'manual' }, at)
    const names = added.map(({ name }) => name)
    await note(tx, caller, { action: 'member.tag', id, changes: { tags: [null, names] } }, at)
    return (await tagsOf(tx, [id])).get(id) ?? []
  })
}

/** Takes a tag off a member. @throws NotFound if the member doesn't have it */
export async function removeTag(kernel: Kernel, caller: Caller, id: number, tagId: number): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    if (!(await lockMembers(tx, [id])).has(id)) throw await missingMember(tx, id)
    const [tag] = await findTags(tx, [tagId])
    if ((await untagMembers(tx, [id], [tagId], at)) === 0) throw missing('tag of this member')
    await note(tx, caller, { action: 'member.untag', id, changes: { tags: [tag?.name ?? tagId, null] } }, at)
  })
}

export interface NewConsumption {
  readonly order_number: string
  readonly room_type?: string | null
  readonly amount: number
  readonly check_in_date?: string | null
  readonly check_out_date?: string | null
  readonly nights?: number | null
}

/** Adds a consumption record by hand; the nights follow from the dates unless given. Answers its id. */
export async function addConsumption(
  kernel: Kernel,
  caller: Caller,
  memberId: number,
  given: NewConsumption,
): Promise<store.ConsumptionRow> {
  const { check_in_date: checkIn = null, check_out_date: checkOut = null } = given
  if (checkIn !== null && checkOut !== null && checkOut < checkIn)
    throw invalidFields([fieldError('/check_out_date', 'must not be before check_in_date')])
  if (!hasTwoDecimals(given.amount))
    throw invalidFields([fieldError('/amount', 'must not have more than two decimals')])
  const nights = given.nights ?? (checkIn !== null && checkOut !== null ? daysBetween(checkIn, checkOut) : null)
  const at = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    if (!(await lockMembers(tx, [memberId])).has(memberId)) throw await missingMember(tx, memberId)
    const { conversionDays: days } = crmSettings.of(kernel.config)
    const [id = 0] = await insertConsumption(
      tx,
      [
        {
          ...{
            memberId,
            orderNumber: given.order_number,
            roomType: given.room_type ?? null,
            checkIn,
            checkOut,
            nights,
          },
          amount: given.amount.toFixed(2),
          ...{ source: 'manual' as const, createdAt: at, syncedAt: null },
        },
      ],
      { days, zone: zoneOf(kernel), replaces: false },
    )
    const changes = { order_number: [null, given.order_number], amount: [null, given.amount] } as const
    await note(tx, caller, { action: 'member.consumption', id: memberId, changes }, at)
    const { items } = await store.listConsumption(tx, memberId, { limit: 100, offset: 0 })
    const made = items.find((one) => one.id === id)
    if (!made) throw missing('record')
    return made
  })
}

/** Checks that there is such a member, for lists below them. @throws NotFound */
export async function requireMember(db: Database, id: number): Promise<void> {
  if (!(await store.findMember(db, id))) throw await missingMember(db, id)
}

async function note(
  tx: Transaction,
  caller: Caller,
  { action, id, changes }: { action: string; id: number; changes: Record<string, readonly [unknown, unknown]> },
  at: Date,
): Promise<void> {
  await record(tx, at, { ...originOf(caller), action, resource: 'member', resourceId: id, changes })
}
