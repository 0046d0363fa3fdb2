import type { Transaction } from '../kernel/database/database.ts'
import { staffWith } from '../kernel/identity/staff.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { leaveChat, releaseServed } from './chat/agents.ts'
import { AGENT, MANAGE } from './permissions.ts'
import { forgetContacts, releaseTickets } from './store.ts'

/**
 * Handles the end of an account: deletes contact data, closes the person's chat, and releases the tickets and chats
 * they served.
 */
export async function leaveSupport(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  await forgetContacts(tx, userId)
  await releaseTickets(tx, userId)
  await leaveChat(tx, kernel, userId)
}

/** Handles a change of a person's rights: releases the tickets and chats that they may no longer answer. */
export async function handSupportOver(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  if (!(await staffWith(tx, kernel, MANAGE)).includes(userId)) await releaseTickets(tx, userId)
  if (!(await staffWith(tx, kernel, AGENT)).includes(userId)) await releaseServed(tx, kernel, userId)
}
