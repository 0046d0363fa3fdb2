import { originOf } from '../../../kernel/audit/origin.ts'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { Conflict, type DomainError } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { noteConversions } from '../../core/consumptionStore.ts'
import { zoneOf } from '../../core/days.ts'
import { briefsWithIds } from '../../core/memberBriefsStore.ts'
import { noSuchMember } from '../../core/membersStore.ts'
import { fieldError, invalidFields } from '../../refusals.ts'
import { crmSettings } from '../../settings.ts'
import { beingSent, countMoves, moveEverything } from './movesStore.ts'
import { type FieldOutcome, fieldOutcomes, type MergedField, type MergingMember, type Preferences } from './rules.ts'
import * as store from './store.ts'

/** What a merge would do: the outcome of each field, and the rows that move. @throws NotFound for either member */
export async function previewMerge(kernel: Kernel, id: number, fromId: number) {
  refuseSame(id, fromId)
  return await kernel.transaction(async (tx) => {
    const [target, source] = await bothOf(tx, await store.mergingMembers(tx, [id, fromId]), id, fromId)
    return {
      target: await briefOf(tx, id),
      source: await briefOf(tx, fromId),
      fields: fieldOutcomes(target, source, {}),
      moves: await countMoves(tx, fromId),
    }
  })
}

/**
 * Merges the member `fromId` into `id`: everything that belongs to the one goes to the other, in one transaction. What
 * is written at the same moment for the merged member follows by `moveStragglers`.
 * @throws NotFound `merged` | `not_found` for the members; Conflict `needs_choice` if LINE accounts or id numbers
 * differ and `prefer` names none, `being_sent` while a campaign is on its way to both
 */
export async function mergeMembers(
  kernel: Kernel,
  caller: Caller,
  id: number,
  { fromId, prefer }: { readonly fromId: number; readonly prefer: Preferences },
): Promise<void> {
  refuseSame(id, fromId)
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const [target, source] = await bothOf(tx, await store.lockMembers(tx, [id, fromId]), id, fromId)
    const outcomes = fieldOutcomes(target, source, prefer)
    refuseOpenChoices(outcomes)
    await moveAll(kernel, tx, { source: fromId, target: id }, now)
    await store.writeMerged(tx, { source: fromId, target: id }, outcomes, now)
    const operation = { ...originOf(caller), action: 'member.merge', resource: 'member' }
    await record(tx, now, {
      ...operation,
      resourceId: id,
      changes: { merged_from: [null, fromId], ...changesOf(target, outcomes) },
    })
    await record(tx, now, { ...operation, resourceId: fromId, changes: { merged_into: [null, id] } })
  })
  kernel.nudge()
}

/** A member for an answer. @throws NotFound */
export async function briefOf(db: Database, id: number) {
  const [brief] = await briefsWithIds(db, [id])
  if (!brief) throw await noSuchMember(db, id)
  return brief
}

/** Moves all rows, and notes conversions: a click of the one may have led to a stay of the other. */
async function moveAll(
  kernel: Kernel,
  tx: Transaction,
  move: { readonly source: number; readonly target: number },
  now: Date,
): Promise<void> {
  const zone = zoneOf(kernel)
  await moveEverything(tx, move, zone, now)
  const days = crmSettings.of(kernel.config).conversionDays
  await noteConversions(tx, await store.consumptionOf(tx, move.target), { days, zone })
}

function refuseSame(id: number, fromId: number): void {
  if (id === fromId) throw invalidFields([fieldError('/from_id', 'must be another member')])
}

async function bothOf(
  db: Database,
  found: readonly MergingMember[],
  id: number,
  fromId: number,
): Promise<readonly [MergingMember, MergingMember]> {
  const [target, source] = [id, fromId].map((one) => found.find((member) => member.id === one))
  if (!target) throw await noSuchMember(db, id)
  if (!source) throw await noSuchMember(db, fromId)
  return [target, source]
}

function refuseOpenChoices(outcomes: readonly FieldOutcome[]): void {
  const open = outcomes.filter((outcome) => outcome.needs_choice)
  if (open.length === 0) return
  const errors = open.map(({ field }) => fieldError(`/prefer/${field}`, 'must be target or source'))
  const names = open.map(({ field }) => NAMES[field] ?? field).join(' and ')
  throw new Conflict('needs_choice', `The two have different ${names}. Say which to keep.`, { errors })
}

const NAMES: Readonly<Partial<Record<MergedField, string>>> = { id_number: 'id numbers', line_uid: 'LINE accounts' }

function changesOf(target: MergingMember, outcomes: readonly FieldOutcome[]) {
  return Object.fromEntries(
    outcomes
      .filter(({ field, result }) => result !== target[field])
      .map(({ field, result }) => [field, [target[field], result]] as const),
  )
}

const AT_ONCE = 100

/** Job: gives what was written for merged members, while they were being merged, to those they were merged into. */
export async function moveStragglers(kernel: Kernel): Promise<void> {
  const now = kernel.clock.now()
  for (const move of await store.findStragglers(kernel.db, AT_ONCE))
    await kernel
      .transaction(async (tx) => {
        await store.lockPair(tx, [move.source, move.target])
        await moveAll(kernel, tx, move, now)
        await store.moveInteraction(tx, move)
      })
      .catch((error: DomainError | Error) => {
        // Both get a campaign that is on its way: it is tried again when that has ended.
        if (!('code' in error && error.code === beingSent([]).code)) throw error
      })
}
