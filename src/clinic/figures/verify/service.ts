import type { Database } from '../../../kernel/database/database.ts'
import type { Difference } from '../../../kernel/product.ts'
import { auditDifferences } from './auditsStore.ts'
import { moneyDifferences } from './moneyStore.ts'
import { numberDifferences } from './numbersStore.ts'

/**
 * Recomputes what is stored twice: the numbers and figures of every schedule, the money of every order beside the
 * ledger and the payment platform, and the outcomes of decided requests.
 */
export async function findDifferences(db: Database): Promise<readonly Difference[]> {
  return [...(await numberDifferences(db)), ...(await moneyDifferences(db)), ...(await auditDifferences(db))]
}
