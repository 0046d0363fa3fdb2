import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import type { TagType } from '../../fields.ts'
import { fieldError, invalidFields, missing } from '../../refusals.ts'
import * as store from './store.ts'

export interface NewTag {
  readonly name: string
  readonly type: TagType
  readonly source?: 'api' | 'manual' | undefined
  readonly description?: string | null | undefined
}

/** Adds a tag. @throws Conflict `name_taken` for a second member tag of the name */
export async function addTag(kernel: Kernel, caller: Caller, tag: NewTag): Promise<store.TagRow> {
  const at = kernel.clock.now()
  const { name, description = null } = tag
  return await kernel.transaction(async (tx) => {
    const id =
      tag.type === 'member'
        ? await store.insertMemberTag(tx, { name, source: tag.source ?? 'manual', description }, at)
        : await store.insertInteractionTag(tx, { name, description, campaignId: null }, at)
    await note(tx, caller, { action: 'tag.add', id, changes: { name: [null, name] } }, at)
    return await stored(tx, id)
  })
}

export interface TagChange {
  readonly name?: string | undefined
  readonly type?: TagType | undefined
  readonly source?: 'api' | 'manual' | undefined
  readonly description?: string | null | undefined
}

/** Changes a tag; its type stays. @throws NotFound; Invalid 422 for another type; Conflict `name_taken` */
export async function changeTag(kernel: Kernel, caller: Caller, id: number, change: TagChange): Promise<store.TagRow> {
  const at = kernel.clock.now()
  return await kernel.transaction(async (tx) => {
    const type = await store.lockTag(tx, id)
    const before = await store.findTag(tx, id)
    if (!type || !before) throw missing('tag')
    if (change.type !== undefined && change.type !== type)
      throw invalidFields([fieldError('/type', 'of a tag can’t be changed')])
    const { name = before.name, description = before.description, source = before.source } = change
    await store.updateTag(tx, { id, type }, { name, description, source }, at)
    const changes = { name: [before.name, name], description: [before.description, description] } as const
    await note(tx, caller, { action: 'tag.change', id, changes }, at)
    return await stored(tx, id)
  })
}

/** Deletes a tag and takes it off its members. @throws NotFound; Conflict `tag_in_use` naming what uses it */
export async function deleteTag(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const type = await store.lockTag(tx, id)
    const before = await store.findTag(tx, id)
    if (!type || !before) throw missing('tag')
    const uses = await store.usesOfTag(tx, id)
    if (uses.length > 0) throw new Conflict('tag_in_use', `The tag is used by ${uses.join(', ')}.`)
    await store.deleteTag(tx, id, type)
    const changes = { name: [before.name, null], member_count: [before.member_count, 0] } as const
    await note(tx, caller, { action: 'tag.delete', id, changes }, at)
  })
}

/** @throws NotFound */
export async function getTag(kernel: Kernel, id: number): Promise<store.TagRow> {
  const found = await kernel.withRetries((db) => store.findTag(db, id))
  if (!found) throw missing('tag')
  return found
}

async function stored(tx: Transaction, id: number): Promise<store.TagRow> {
  const found = await store.findTag(tx, id)
  if (!found) throw missing('tag')
  return found
}

async function note(
  tx: Transaction,
  caller: Caller,
  { action, id, changes }: { action: string; id: number; changes: Record<string, readonly [unknown, unknown]> },
  at: Date,
): Promise<void> {
  await record(tx, at, { ...originOf(caller), action, resource: 'tag', resourceId: id, changes })
}
