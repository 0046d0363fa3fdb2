import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { type Condition, readCondition } from '../../core/audience/conditions.ts'
import { type ConditionFacts, checkCondition, matchSql } from '../../core/audience/conditionsStore.ts'
import { zoneOf } from '../../core/days.ts'
import { briefsWhere, countWhere } from '../../core/memberBriefsStore.ts'
import { fieldError, invalidFields, missing } from '../../refusals.ts'
import * as store from './store.ts'

function factsOf(kernel: Kernel): ConditionFacts {
  return { now: kernel.clock.now(), zone: zoneOf(kernel) }
}

/** A segment with the numbers of its members now. @throws NotFound */
export async function getSegment(kernel: Kernel, id: number) {
  const segment = await store.findSegment(kernel.db, id)
  if (!segment) throw missing('segment')
  const { count, reachable } = await store.countBranches(kernel.db, segment.condition, factsOf(kernel))
  return { segment, count, reachable }
}

export interface SegmentInput {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly condition?: unknown
}

/** Adds a segment; returns its id. @throws Invalid `validation` with the wrong parts, Conflict `name_taken` */
export async function addSegment(
  kernel: Kernel,
  caller: Caller,
  input: SegmentInput & { readonly name: string },
): Promise<number> {
  const now = kernel.clock.now()
  const { name, description = null } = input
  const condition = await checkedCondition(kernel, input.condition)
  const id = await kernel.transaction(async (tx) => {
    const added = await store.insertSegment(tx, { name, description, condition }, caller.userId, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'crm.segment.create',
      resource: 'crm_segment',
      resourceId: added,
      changes: changesBetween(null, { name, description, condition }),
    })
    return added
  })
  kernel.nudge()
  return id
}

/** Changes a segment; absent fields stay. @throws NotFound, Invalid `validation`, Conflict `name_taken` */
export async function changeSegment(kernel: Kernel, caller: Caller, id: number, input: SegmentInput): Promise<void> {
  const now = kernel.clock.now()
  const condition = input.condition === undefined ? undefined : await checkedCondition(kernel, input.condition)
  await kernel.transaction(async (tx) => {
    const before = await store.lockSegment(tx, id)
    if (!before) throw missing('segment')
    const old = fieldsOf(before)
    const fields = {
      name: input.name ?? old.name,
      description: input.description === undefined ? old.description : input.description,
      condition: condition ?? old.condition,
    }
    await store.updateSegment(tx, id, fields, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'crm.segment.update',
      resource: 'crm_segment',
      resourceId: id,
      changes: changesBetween(old, fields),
    })
  })
  kernel.nudge()
}

function fieldsOf({ name, description, condition }: store.Segment): store.SegmentFields {
  return { name, description, condition }
}

/** Deletes a segment. @throws NotFound; Conflict `in_use` that names the campaigns which have not ended */
export async function removeSegment(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await store.lockSegment(tx, id)
    if (!before) throw missing('segment')
    const campaigns = await store.campaignsUsing(tx, id)
    if (campaigns.length > 0) {
      const names = campaigns.map((campaign) => `${campaign.title} (${campaign.id})`).join(', ')
      throw new Conflict('in_use', `Campaigns are sent to this segment: ${names}.`, {
        errors: [fieldError('/id', `is used by the campaigns ${campaigns.map((campaign) => campaign.id).join(', ')}`)],
      })
    }
    await store.deleteSegment(tx, id)
    await record(tx, now, {
      ...originOf(caller),
      action: 'crm.segment.delete',
      resource: 'crm_segment',
      resourceId: id,
      changes: changesBetween(fieldsOf(before), null),
    })
  })
  kernel.nudge()
}

/** One page of a segment's members. @throws NotFound */
export async function segmentMembers(
  kernel: Kernel,
  id: number,
  page: { readonly limit: number; readonly offset: number },
) {
  const segment = await store.findSegment(kernel.db, id)
  if (!segment) throw missing('segment')
  const condition = matchSql(segment.condition, factsOf(kernel))
  const items = await briefsWhere(kernel.db, condition, page)
  return { items, total: await countWhere(kernel.db, condition) }
}

const SHOWN = 10

/** What a condition finds: counts of the whole and of each branch, and the first members. @throws Invalid */
export async function previewCondition(kernel: Kernel, value: unknown) {
  const condition = await checkedCondition(kernel, value)
  const facts = factsOf(kernel)
  const found = await store.countBranches(kernel.db, condition, facts)
  const members = await briefsWhere(kernel.db, matchSql(condition, facts), { limit: SHOWN, offset: 0 })
  return { ...found, members }
}

async function checkedCondition(kernel: Kernel, value: unknown): Promise<Condition> {
  const condition = readCondition(value)
  const errors = await checkCondition(kernel.db, condition)
  if (errors.length > 0) throw invalidFields(errors)
  return condition
}
