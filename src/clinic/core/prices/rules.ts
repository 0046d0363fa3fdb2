import type { SlotType } from '../types.ts'

/** The price of each kind of number in fen; null: not set at this level, the next level decides. */
export type Prices = Readonly<Record<SlotType, number | null>>

/** The built-in prices in fen: 50, 100 and 500 yuan (seed 6, 排班价格处理逻辑). */
export const BUILT_IN: Readonly<Record<SlotType, number>> = { 普通: 5_000, 专家: 10_000, 特需: 50_000 }

export const NO_PRICES: Prices = { 普通: null, 专家: null, 特需: null }

/** The levels of prices, the most specific first. */
export const LEVELS = ['DOCTOR', 'CLINIC', 'MINOR_DEPT', 'GLOBAL'] as const
export type Level = (typeof LEVELS)[number]

/** The price of a kind of number: that of the most specific level which has one, else the built-in one. */
export function resolvedPrice(levels: Readonly<Partial<Record<Level, Prices>>>, slotType: SlotType): number {
  for (const level of LEVELS) {
    const price = levels[level]?.[slotType]
    if (price !== undefined && price !== null) return price
  }
  return BUILT_IN[slotType]
}
