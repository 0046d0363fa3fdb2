import { originOf } from '../../../kernel/audit/origin.ts'
import type { PageOf } from '../../../kernel/database/lists.ts'
import { Conflict, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { badState } from '../../core/ending.ts'
import { findReservation, type Reservation } from '../../core/reservationsStore.ts'
import { requireVenue } from '../../core/venues/service.ts'
import { averageOf, countOf, type Distribution, distributionOf, type Score } from './rules.ts'
import * as store from './store.ts'

export interface Opinion {
  readonly score: Score
  readonly comment?: string | undefined
}

/** Rates a completed visit, once and only by its owner. @throws NotFound, Conflict `bad_state` or `already_rated`. */
export async function rateReservation(
  kernel: Kernel,
  caller: Caller,
  reservationId: number,
  opinion: Opinion,
): Promise<store.Rating> {
  return rate(kernel, caller, await ownReservation(kernel, caller, reservationId), opinion)
}

/**
 * Rates a visit to a venue: the given one, else the caller's latest that has no rating.
 * @throws NotFound, Conflict `nothing_to_rate`, and the errors of `rateReservation`.
 */
export async function rateVenue(
  kernel: Kernel,
  caller: Caller,
  venueId: number,
  opinion: Opinion,
  reservationId?: number,
): Promise<store.Rating> {
  await requireVenue(kernel.db, venueId)
  const id = reservationId ?? (await store.latestUnrated(kernel.db, venueId, caller.userId))
  if (id === null) throw new Conflict('nothing_to_rate', 'You have no completed visit here without a rating.')
  const reservation = await ownReservation(kernel, caller, id)
  if (reservation.venueId !== venueId) throw noSuchReservation()
  return rate(kernel, caller, reservation, opinion)
}

const noSuchReservation = () => new NotFound('not_found', 'There is no such reservation.')

async function ownReservation(kernel: Kernel, caller: Caller, id: number): Promise<Reservation> {
  const reservation = await findReservation(kernel.db, id)
  if (!reservation || reservation.userId !== caller.userId) throw noSuchReservation()
  return reservation
}

async function rate(
  kernel: Kernel,
  caller: Caller,
  reservation: Reservation,
  { score, comment }: Opinion,
): Promise<store.Rating> {
  if (reservation.status !== 'completed') throw badState(reservation)
  const id = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const rating = { reservationId: reservation.id, userId: caller.userId, score, comment: comment ?? null, now }
    const added = await store.addRating(tx, rating)
    if (added === null) throw new Conflict('already_rated', 'This visit has already been rated.')
    await record(tx, now, {
      ...originOf(caller),
      action: 'rating.create',
      resource: 'rating',
      resourceId: added,
      changes: { score: [null, score] },
    })
    return added
  })
  kernel.nudge()
  return getRating(kernel, id)
}

async function getRating(kernel: Kernel, id: number): Promise<store.Rating> {
  const rating = await store.findRating(kernel.db, id)
  if (!rating) throw noSuchRating()
  return rating
}

const noSuchRating = () => new NotFound('not_found', 'There is no such rating.')

/** A page of a venue's ratings, and figures over all that are not hidden. */
export interface VenueRatings {
  readonly items: readonly store.Rating[]
  readonly total: number
  readonly average: number | null
  readonly count: number
  readonly distribution: Distribution
}

/** Ratings of a venue; hidden ones only for moderators. @throws NotFound */
export async function venueRatings(
  kernel: Kernel,
  venueId: number,
  hidden: boolean,
  page: PageOf<store.RatingSort>,
): Promise<VenueRatings> {
  await requireVenue(kernel.db, venueId)
  const { items, total } = await store.listRatings(kernel.db, { venueId, hidden }, page)
  const distribution = distributionOf(await store.countScores(kernel.db, venueId))
  return { items, total, average: averageOf(distribution), count: countOf(distribution), distribution }
}

/** Hides a rating for a reason, or shows it again (null). @throws NotFound */
export async function moderate(
  kernel: Kernel,
  caller: Caller,
  id: number,
  reason: string | null,
): Promise<store.Rating> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const before = await store.setHidden(tx, id, reason, now)
    if (before === undefined) throw noSuchRating()
    await record(tx, now, {
      ...originOf(caller),
      action: reason === null ? 'rating.unhide' : 'rating.hide',
      resource: 'rating',
      resourceId: id,
      changes: { hidden_reason: [before, reason] },
    })
  })
  kernel.nudge()
  return getRating(kernel, id)
}
