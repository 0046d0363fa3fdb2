import { FULL_CREDIT } from '../../../booking/credit.ts'
import type { Origin } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Stale } from '../../../kernel/database/transaction.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { messageJson, notifyAll, operationJson } from '../../../kernel/outbox/outbox.ts'
import type { Config } from '../../../kernel/settings.ts'
import { localTimestamp } from '../../../kernel/time.ts'
import { venueSettings } from '../../settings.ts'
import type { Alternative } from '../alternatives/rules.ts'
import { alternativesNamed, findAlternatives, MOST_ALTERNATIVES, rebookLink } from '../alternatives/service.ts'
import { appointment } from '../appointment.ts'
import { lockMembers } from '../membersStore.ts'
import { offerFreePlaces } from '../offers.ts'
import { lockSlots } from '../placesStore.ts'
import type { ClosureNotification } from './notificationTypes.ts'
import * as store from './store.ts'

/** A reservation that has ended, and the slots that its person can book instead. */
export interface Affected extends Omit<store.Targeted, 'status'> {
  readonly status: 'displaced' | 'completed'
  readonly pointsReturned: number
  readonly rebookUntil: Date | null
  readonly alternatives: readonly Alternative[]
}

export type Displacement = store.Target & {
  /** Stored with the reservation and named in the message to its person. */
  readonly reason: string
  /** Type of that message. */
  readonly type: ClosureNotification
  /** Locks the slots by id; `lockSlots` by default. A closure closes them in the same step. */
  readonly lock?: (tx: Transaction) => Promise<void>
}

/**
 * Ends active reservations that lose their place. Visits that have begun are completed now; all other reservations are
 * displaced: their points are returned in full and they may be rebooked. Sends one message per reservation, with
 * alternatives. For whole slots, the waiting lists end too; for single reservations, the places are offered to the
 * waiting list. Locks people, then slots, then reservations; the slots stay locked until the transaction ends. The
 * number of statements does not grow with the number of reservations, except for the batches of messages and, for
 * single reservations, the offers for each slot.
 * @throws Stale when the row of a person who booked in between is locked, or a reservation has moved to another slot:
 * `kernel.transaction` then runs everything again.
 */
export async function displaceReservations(
  tx: Transaction,
  kernel: Kernel,
  origin: Origin,
  displacement: Displacement,
): Promise<readonly Affected[]> {
  const now = kernel.clock.now()
  const expected = await store.findTargeted(tx, displacement)
  const slotIds = 'slotIds' in displacement ? displacement.slotIds : [...new Set(expected.map(({ slotId }) => slotId))]
  const people = new Set(expected.map(({ userId }) => userId))
  await lockMembers(tx, [...people])
  if (displacement.lock) await displacement.lock(tx)
  else await lockSlots(tx, slotIds)
  const targeted = await store.lockTargeted(tx, displacement)
  await lockNewcomers(tx, targeted, people, slotIds)
  const affected = await end(tx, kernel, origin, targeted, displacement, now, slotIds)
  if ('slotIds' in displacement) await endQueues(tx, kernel, slotIds, displacement.reason)
  else for (const slotId of slotIds.toSorted((a, b) => a - b)) await offerFreePlaces(kernel, tx, slotId, now)
  return affected
}

/** Ends the waiting lists of locked slots that are deleted or closed, and notifies everybody on them. */
export async function endQueues(
  tx: Transaction,
  { config, clock }: Pick<Kernel, 'config' | 'clock'>,
  slotIds: readonly number[],
  reason: string,
): Promise<void> {
  const now = clock.now()
  const ended = await store.endQueues(tx, slotIds, now)
  if (ended.length === 0) return
  const messages = ended.map(({ id, userId, offered, ...slot }) => ({
    type: 'waiting_list.closed',
    userIds: [userId],
    data: { ...appointment(slot, config.timeZone), waiting_list_id: id, reason, offered },
    key: `waiting_list:${id}:closed`,
  }))
  await notifyAll(tx, now, messages)
}

/**
 * Locks people who booked between the first read and the lock on the slots, without waiting.
 * @throws Stale when that is not possible.
 */
async function lockNewcomers(
  tx: Transaction,
  targeted: readonly store.Targeted[],
  people: ReadonlySet<number>,
  slotIds: readonly number[],
): Promise<void> {
  const slots = new Set(slotIds)
  if (targeted.some(({ slotId }) => !slots.has(slotId))) throw new Stale('a reservation has moved to another slot')
  const newcomers = [...new Set(targeted.map(({ userId }) => userId).filter((userId) => !people.has(userId)))]
  if (newcomers.length > 0 && (await store.lockIdleMembers(tx, newcomers)) < newcomers.length) {
    throw new Stale('a person has just booked')
  }
}

async function end(
  tx: Transaction,
  kernel: Kernel,
  origin: Origin,
  targeted: readonly store.Targeted[],
  { reason, type }: Displacement,
  now: Date,
  slotIds: readonly number[],
): Promise<readonly Affected[]> {
  if (targeted.length === 0) return []
  const cause = { now, endedBy: origin.actorId, reason }
  const isVisit = ({ status, startAt }: store.Targeted) => status === 'checked_in' && startAt <= now
  const present = targeted.filter(isVisit).map(({ id }) => id)
  const absent = targeted.filter((one) => !isVisit(one)).map(({ id }) => id)
  const until = absent.length > 0 ? await store.displace(tx, absent, cause) : new Map<number, Date>()
  if (targeted.some(({ id, pointsPaid }) => pointsPaid > 0 && until.has(id))) await store.returnPoints(tx, absent, now)
  if (present.length > 0) {
    await store.complete(tx, present, cause)
    await store.rewardKept(tx, present, { credit: venueSettings.of(kernel.config).creditKept, most: FULL_CREDIT, now })
  }
  const displaced = targeted.filter(({ id }) => until.has(id))
  const alternatives = await findAlternatives(tx, displaced, now, { most: MOST_ALTERNATIVES, except: slotIds })
  const affected = targeted.map((before): Affected => {
    const rebookUntil = until.get(before.id) ?? null
    return {
      ...before,
      status: rebookUntil ? 'displaced' : 'completed',
      pointsReturned: rebookUntil ? before.pointsPaid : 0,
      rebookUntil,
      alternatives: alternatives.get(before.id) ?? [],
    }
  })
  const entries = affected.map((one, index) => ({
    message: messageOf(one, reason, type, kernel.config),
    operation: operationJson({
      ...origin,
      action: 'reservation.displace',
      resource: 'reservation',
      resourceId: one.id,
      changes: { status: [targeted[index]?.status, one.status] },
    }),
  }))
  await store.leaveInOutbox(tx, entries, now)
  return affected
}

function messageOf(affected: Affected, reason: string, type: ClosureNotification, config: Config): string {
  const { id, userId, status, rebookUntil } = affected
  const zone = config.timeZone
  return messageJson({
    type,
    userIds: [userId],
    data: {
      ...appointment(affected, zone),
      reservation_id: id,
      status,
      reason,
      points_returned: affected.pointsReturned,
      rebook_until: rebookUntil ? localTimestamp(rebookUntil, zone) : '',
      rebook_url: rebookUntil ? rebookLink(config, id) : '',
      alternatives: alternativesNamed(affected.alternatives, zone),
    },
    key: `reservation:${id}:${status}`,
  })
}
