import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { maskIdNumber } from '../../core/members.ts'
import { insertMember } from '../../core/membersStore.ts'
import { fieldError, invalidFields, missing } from '../../refusals.ts'
import * as guests from './guestStore.ts'
import { columnsFor, fill, identify, opened, settleWaiting } from './guests.ts'
import * as store from './reviewStore.ts'
import { combined, fillOf, type LeftOut, type ReviewReason } from './rules.ts'
import type { Guest, Order, SyncType } from './types.ts'

/** A review as it is shown: id numbers are masked. */
export interface ShownReview {
  readonly review: store.Review
  readonly guest: Guest | null
  readonly order: Order | null
  readonly candidates: readonly guests.Candidate[]
}

/** A page of reviews. */
export async function listReviews(
  kernel: Kernel,
  filter: {
    readonly state: store.ReviewState
    readonly type?: SyncType | undefined
    readonly reason?: ReviewReason | undefined
  },
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly ShownReview[]; readonly total: number }> {
  const { items, total } = await kernel.withRetries((db) => store.listReviews(db, filter, page))
  const ids = items.flatMap(({ candidates }) => candidates)
  const members = await kernel.withRetries((db) => guests.candidatesWith(db, ids))
  return { items: items.map((review) => shown(kernel, review, members)), total }
}

function shown(kernel: Kernel, review: store.Review, members: ReadonlyMap<number, guests.Candidate>): ShownReview {
  const row = opened(kernel, review)
  return {
    review,
    guest: row ? { ...row.guest, id_number: row.guest.id_number && maskIdNumber(row.guest.id_number) } : null,
    order: row?.order ?? null,
    candidates: review.candidates.flatMap((id) => members.get(id) ?? []),
  }
}

export interface Decision {
  readonly action: 'link' | 'create' | 'ignore'
  readonly memberId?: number | undefined
}

/** What a decision did. */
export interface Decided {
  readonly review: store.Review
  readonly memberId: number | null
  /** Reviews of the guest that were settled with it, this one among them. */
  readonly settled: number
  /** Fields of the guest that the member did not get, because they belong to another one. */
  readonly leftOut: readonly LeftOut[]
}

/**
 * Decides who a guest is: this is remembered, and everything of the guest that waits is settled with it. An ignored
 * guest can be linked or created later.
 * @throws NotFound; Conflict `already_decided`, `id_number_taken`; Invalid (422) for a missing or unknown member
 */
export async function decide(kernel: Kernel, caller: Caller, id: number, decision: Decision): Promise<Decided> {
  const { action, memberId } = decision
  if ((action === 'link') !== (memberId !== undefined))
    throw invalidFields([
      fieldError('/member_id', action === 'link' ? 'is needed to link' : `does not belong to ${action}`),
    ])
  const now = kernel.clock.now()
  const decided = await kernel.transaction(async (tx) => {
    await guests.lockMatching(tx)
    const review = await store.findReview(tx, id)
    if (!review) throw missing('review')
    if (review.state !== 'open' && !(review.state === 'ignored' && action !== 'ignore'))
      throw new Conflict('already_decided', `This was decided already: ${review.state}.`)
    const outcome =
      action === 'ignore' ? await ignore(tx, review, caller, now) : await adopt(kernel, tx, review, caller, memberId)
    const after = await store.findReview(tx, id)
    await record(tx, now, {
      ...originOf(caller),
      action: `crm.pms.review.${action}`,
      resource: 'crm_pms_review',
      resourceId: id,
      changes: { state: [review.state, after?.state], member_id: [review.member_id, outcome.memberId] },
    })
    return { review: after ?? review, ...outcome }
  })
  kernel.nudge()
  return decided
}

type Outcome = Omit<Decided, 'review'>

async function ignore(tx: Transaction, { guest_key: key }: store.Review, caller: Caller, now: Date): Promise<Outcome> {
  await guests.rememberChoice(tx, key, { memberId: null, chosenBy: caller.userId }, now)
  const waiting = (await store.lockUnsettled(tx, [key], 'person')).filter(({ state }) => state === 'open')
  await store.settleReviews(
    tx,
    waiting.map((one) => ({ id: one.id, memberId: null })),
    { state: 'ignored', decidedBy: caller.userId, now },
  )
  return { memberId: null, settled: waiting.length, leftOut: [] }
}

/** Gives a guest to a member, or to a new one without `memberId`. */
async function adopt(
  kernel: Kernel,
  tx: Transaction,
  review: store.Review,
  caller: Caller,
  memberId: number | undefined,
): Promise<Outcome> {
  const key = review.guest_key
  const guest = guestOf(kernel, await store.unsettledOf(tx, key))
  const identity = identify(kernel, guest)
  const known = await guests.lockKnown(tx, memberId === undefined ? [] : [memberId], [identity])
  if (memberId !== undefined && !known.some((one) => one.id === memberId))
    throw invalidFields([fieldError('/member_id', 'There is no such member.')])
  const now = kernel.clock.now()
  const made = memberId === undefined ? fillOf(guest, identity, undefined, known) : undefined
  const owner = memberId ?? (await create(kernel, tx, made ?? { fill: {}, leftOut: [] }, now))
  const [leftOut = []] = made ? [made.leftOut] : await fill(kernel, tx, [{ guest, identity, memberId: owner }], known)
  await guests.rememberChoice(tx, key, { memberId: owner, chosenBy: caller.userId }, now)
  const settled = await settleWaiting(kernel, tx, new Map([[key, owner]]), {
    userId: caller.userId,
    state: memberId === undefined ? 'created' : 'linked',
  })
  return { memberId: owner, settled, leftOut }
}

/** What all waiting records say about a guest: a record of members says more than one of consumption. */
function guestOf(kernel: Kernel, waiting: readonly store.Review[]): Guest {
  const orderly = waiting.toSorted((a, b) =>
    a.sync_type === b.sync_type ? a.id - b.id : a.sync_type < b.sync_type ? -1 : 1,
  )
  const [first, ...rest] = orderly.flatMap((one) => opened(kernel, one)?.guest ?? [])
  if (!first) throw new Conflict('already_decided', 'This was decided already.')
  return combined([first, ...rest])
}

async function create(
  kernel: Kernel,
  tx: Transaction,
  { fill: fields, leftOut }: ReturnType<typeof fillOf>,
  now: Date,
): Promise<number> {
  // Two members with one id number would be one person twice.
  if (leftOut.includes('id_number')) {
    const sentence = 'Another member has this id number: link the guest to it.'
    throw new Conflict('id_number_taken', sentence, { errors: [fieldError('/action', sentence)] })
  }
  const { first_name: first, last_name: last, email, phone, id_number: idNumber } = fields
  if (!first && !last && !email && !phone && !idNumber)
    throw invalidFields([
      fieldError('/action', 'The guest has neither a name nor a number: link the guest to a member.'),
    ])
  return await insertMember(tx, { ...columnsFor(kernel, fields), source: 'system' }, now)
}
