import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { differences } from '../../core/differences.ts'
import { BUILT_IN, type Prices } from '../../core/prices/rules.ts'
import { anyPrice, GLOBAL, pricesOf, setPrices } from '../../core/prices/store.ts'
import { CODES, refusal } from '../../sentences.ts'

/** The prices of the whole hospital; a kind without one has the built-in price. */
export async function globalPrices(kernel: Kernel): Promise<Prices> {
  const prices = (await kernel.withRetries((db) => pricesOf(db, 'GLOBAL', [GLOBAL.id]))).get(GLOBAL.id)
  const { 普通, 专家, 特需 } = prices ?? {}
  return { 普通: 普通 ?? BUILT_IN.普通, 专家: 专家 ?? BUILT_IN.专家, 特需: 特需 ?? BUILT_IN.特需 }
}

/** Sets prices of the whole hospital. @throws Invalid if none is given. */
export async function setGlobalPrices(kernel: Kernel, caller: Caller, prices: Partial<Prices>): Promise<void> {
  if (!anyPrice(prices)) throw refusal(CODES.request, 'nothing_to_change', '请至少提供一个价格')
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const { before, after } = await setPrices(tx, GLOBAL, prices, now)
    const changes = differences(before, after)
    await record(tx, now, { ...originOf(caller), action: 'clinic.price.change', resource: 'clinic_price', changes })
  })
  kernel.nudge()
}
