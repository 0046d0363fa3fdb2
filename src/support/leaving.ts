import type { Transaction } from '../kernel/database/database.ts'
import { staffWith } from '../kernel/identity/staff.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { leaveChat, releaseServed } from './chat/agents.ts'
import { AGENT, MANAGE } from './permissions.ts'
import { forgetContacts, releaseTickets } from './store.ts'

/** Somebody's account ends: how to reach them is forgotten, their chat is closed, and what they answered for waits for others. */
export async function leaveSupport(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  await forgetContacts(tx, userId)
  await releaseTickets(tx, userId)
  await leaveChat(tx, kernel, userId)
}

/** Somebody's rights have changed: what they may not answer for any more waits for others. */
export async function handSupportOver(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  if (!(await staffWith(tx, kernel, MANAGE)).includes(userId)) await releaseTickets(tx, userId)
  if (!(await staffWith(tx, kernel, AGENT)).includes(userId)) await releaseServed(tx, kernel, userId)
}
