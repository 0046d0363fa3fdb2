import type { Transaction } from '../../kernel/database/database.ts'
import { fen } from './money/rules.ts'
import { resolvedPrice } from './prices/rules.ts'
import { pricesFor } from './prices/store.ts'
import type { SlotType } from './types.ts'

/** The price of a schedule in fen: the given one in yuan, or the resolved one (seed 6, 排班价格处理逻辑). */
export async function priceOfSchedule(
  tx: Transaction,
  of: {
    readonly doctorId: number
    readonly clinicId: number
    readonly deptId: number
    readonly slotType: SlotType
    readonly price: number
  },
): Promise<number> {
  return of.price > 0 ? fen(of.price) : resolvedPrice(await pricesFor(tx, of), of.slotType)
}
