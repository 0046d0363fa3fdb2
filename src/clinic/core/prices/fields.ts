import { Type } from 'typebox'
import { Nullable } from '../../../kernel/http/schemas.ts'
import { fen, HIGHEST_PRICE, yuan } from '../money/rules.ts'
import type { Prices } from './rules.ts'

/** A price in yuan in requests; null takes it away, so that the next level decides. */
const PriceInput = Type.Optional(
  Nullable(Type.Number({ minimum: 0, maximum: HIGHEST_PRICE, description: 'In yuan. Null: not set at this level.' })),
)

/** The prices in the body of a department, clinic or doctor (seed 2.5, 3.1, 5.2). */
export const priceInputs = {
  default_price_normal: PriceInput,
  default_price_expert: PriceInput,
  default_price_special: PriceInput,
}

const Price = Nullable(Type.Number())

/** The same in answers. */
export const priceFields = {
  default_price_normal: Price,
  default_price_expert: Price,
  default_price_special: Price,
}

interface PriceMembers {
  readonly default_price_normal?: number | null
  readonly default_price_expert?: number | null
  readonly default_price_special?: number | null
}

/** The prices that a body sets, in fen. */
export function pricesFrom(body: PriceMembers): Partial<Prices> {
  const inFen = (amount: number | null) => (amount === null ? null : fen(amount))
  const { default_price_normal: normal, default_price_expert: expert, default_price_special: special } = body
  return {
    ...(normal !== undefined && { 普通: inFen(normal) }),
    ...(expert !== undefined && { 专家: inFen(expert) }),
    ...(special !== undefined && { 特需: inFen(special) }),
  }
}

/** The prices as members of an answer, in yuan. */
export function priceMembers(prices: Prices) {
  const inYuan = (amount: number | null) => (amount === null ? null : yuan(amount))
  return {
    default_price_normal: inYuan(prices.普通),
    default_price_expert: inYuan(prices.专家),
    default_price_special: inYuan(prices.特需),
  }
}
