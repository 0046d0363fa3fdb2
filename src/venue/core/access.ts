import type { Transaction } from '../../kernel/database/database.ts'
import { Forbidden, NotFound } from '../../kernel/errors.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { lockMembers } from './membersStore.ts'
import type { Reservation } from './reservationsStore.ts'
import * as store from './reservationsStore.ts'

/** True if the caller may manage the reservations of all people. */
export function mayManage(caller: Caller): boolean {
  return caller.permissions.has('venue:reservations.manage')
}

/** Reads a reservation that the caller may see: their own, or any for staff. @throws NotFound for all others. */
export async function getReservation(kernel: Kernel, caller: Caller, id: number): Promise<Reservation> {
  const reservation = await store.findReservation(kernel.db, id)
  if (!reservation || (reservation.userId !== caller.userId && !mayManage(caller))) {
    throw noSuchReservation()
  }
  return reservation
}

/**
 * Locks the person of a reservation, then reads the reservation. Every change of a reservation takes this lock first
 * and decides on what it reads under it.
 * @throws NotFound
 */
export async function lockReservation(tx: Transaction, id: number): Promise<Reservation> {
  const found = await store.findReservation(tx, id)
  if (!found) throw noSuchReservation()
  await lockMembers(tx, [found.userId])
  const reservation = await store.findReservation(tx, id)
  if (!reservation) throw noSuchReservation()
  return reservation
}

function noSuchReservation(): NotFound {
  return new NotFound('not_found', 'There is no such reservation.')
}

/**
 * Finds the person that a caller books for: themselves or, for staff, anybody.
 * @throws Forbidden when a caller who is not staff names another person, NotFound when there is no such person.
 */
export async function personOf(
  kernel: Kernel,
  caller: Caller,
  userId = caller.userId,
): Promise<{ readonly userId: number; readonly byLeader: boolean }> {
  if (userId === caller.userId) return { userId, byLeader: caller.roles.has('venue:leader') }
  if (!mayManage(caller)) throw new Forbidden('forbidden', 'Only staff may book for other people.')
  const person = await store.findPerson(kernel.db, userId)
  if (!person) throw new NotFound('not_found', 'There is no such user.')
  return { userId, byLeader: person.isLeader }
}
