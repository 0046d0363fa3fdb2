import type { Transaction } from '../../kernel/database/database.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { leaveChat } from '../chat/agents.ts'
import { forgetPerson } from './store.ts'

/** Somebody's account ends: how to reach them is forgotten, their chat is closed, and what they answered for waits for others. */
export async function leaveSupport(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  await forgetPerson(tx, userId)
  await leaveChat(tx, kernel, userId)
}
