import { FULL_CREDIT } from '../../../booking/credit.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import * as members from '../../core/membersStore.ts'
import { roles } from '../../permissions.ts'
import * as store from './store.ts'

interface Page {
  readonly offset: number
  readonly limit: number
}

/** A person's credit or points, and a page of their history. */
export interface Account {
  readonly figure: number
  readonly items: readonly store.LedgerEntry[]
  readonly total: number
}

/** A person's credit score and its history. People who never booked have full credit. @throws NotFound */
export async function creditOf(kernel: Kernel, userId: number, page: Page): Promise<Account> {
  const member = await findMember(kernel, userId)
  return { figure: member?.credit ?? FULL_CREDIT, ...(await store.listLedger(kernel.db, 'credit', userId, page)) }
}

/** A person's points and their history. @throws NotFound */
export async function pointsOf(kernel: Kernel, userId: number, page: Page): Promise<Account> {
  const member = await findMember(kernel, userId)
  return { figure: member?.points ?? 0, ...(await store.listLedger(kernel.db, 'points', userId, page)) }
}

async function findMember(kernel: Kernel, userId: number): Promise<members.Member | null> {
  const member = await members.findMember(kernel.db, userId)
  if (!member) await requirePerson(kernel, userId)
  return member
}

async function requirePerson(kernel: Kernel, userId: number): Promise<void> {
  if (!(await store.personExists(kernel.db, userId))) throw new NotFound('not_found', 'There is no such user.')
}

export interface Change {
  readonly delta: number
  readonly note: string
}

/** Changes a person's credit within 0 and 100. Returns the new score. @throws NotFound */
export async function adjustCredit(kernel: Kernel, caller: Caller, userId: number, change: Change): Promise<number> {
  await requirePerson(kernel, userId)
  const score = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    await members.ensureMembers(tx, [userId], now)
    const [before] = await members.lockMembers(tx, [userId])
    const cause = { createdBy: caller.userId, note: change.note, now }
    const after = await members.changeCredit(tx, userId, change.delta, 'adjustment', cause)
    await record(tx, now, {
      ...originOf(caller),
      action: 'credit.adjust',
      resource: 'user',
      resourceId: userId,
      changes: { credit: [before?.credit ?? null, after] },
    })
    return after
  })
  kernel.nudge()
  return score
}

/**
 * Gives a person points, or takes some (negative). Returns the new balance.
 * @throws NotFound, Conflict `points_short` when the person has fewer points than are taken, `too_many_points`.
 */
export async function changePoints(kernel: Kernel, caller: Caller, userId: number, change: Change): Promise<number> {
  const { delta, note } = change
  await requirePerson(kernel, userId)
  const balance = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    await members.ensureMembers(tx, [userId], now)
    const [member] = await members.lockMembers(tx, [userId])
    const before = member?.points ?? 0
    if (before + delta > store.MOST_POINTS) throw tooManyPoints()
    const reason = delta > 0 ? 'grant' : 'adjustment'
    if (!(await members.changePoints(tx, userId, delta, reason, { createdBy: caller.userId, note, now }))) {
      throw new Conflict('points_short', 'The person has fewer points than that.', { facts: { points: before } })
    }
    await record(tx, now, {
      ...originOf(caller),
      action: 'points.grant',
      resource: 'user',
      resourceId: userId,
      changes: { points: [before, before + delta] },
    })
    return before + delta
  })
  kernel.nudge()
  return balance
}

function tooManyPoints(): Conflict {
  return new Conflict('too_many_points', `Nobody can have more than ${store.MOST_POINTS} points.`)
}

/** Roles whose holders may book: allowances are for them. */
const bookingRoles = roles
  .filter(({ permissions }) => permissions.includes('venue:reservations.book'))
  .map(({ name }) => name)

export interface Grant {
  readonly points: number
  readonly reason: 'grant' | 'adjustment'
  readonly to: 'all_employees' | readonly number[]
  readonly note: string
}

/**
 * Gives many people the same points: all people who may book, or the named people (all of them or none). Returns the
 * number of people.
 * @throws NotFound with `facts.user_ids` when named people don't exist or would have more than the maximum.
 */
export async function grantAllowance(kernel: Kernel, caller: Caller, grant: Grant): Promise<number> {
  const named = grant.to === 'all_employees' ? null : [...new Set(grant.to)]
  const to = named ? { userIds: named } : { roles: bookingRoles }
  const granted = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const cause = { createdBy: caller.userId, note: grant.note, now }
    const people = new Set(await store.grantPoints(tx, to, grant.points, grant.reason, cause))
    const left = named?.filter((id) => !people.has(id)) ?? []
    if (left.length > 0) {
      throw new NotFound('not_found', 'Some of these people can’t be given points.', { facts: { user_ids: left } })
    }
    await record(tx, now, {
      ...originOf(caller),
      action: 'points.grant_allowance',
      resource: 'points',
      changes: { points: [null, grant.points], people: [null, people.size], note: [null, grant.note] },
    })
    return people.size
  })
  kernel.nudge()
  return granted
}
