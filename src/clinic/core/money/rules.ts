// Amounts are whole fen (1/100 yuan) inside the program and in the database, and yuan with two decimals on the wire.

/** The largest price: one million yuan. */
export const HIGHEST_PRICE = 1_000_000

/** Fen of an amount in yuan, rounded half up to two decimals. */
export function fen(yuan: number): number {
  // The decimal text avoids the error of binary fractions: 1.005 * 100 is 100.49999999999999.
  const [whole = '0', decimals = ''] = Math.abs(yuan).toFixed(6).split('.')
  const amount = Number(whole) * 100 + Number(decimals.slice(0, 2)) + (Number(decimals[2]) >= 5 ? 1 : 0)
  return yuan < 0 ? -amount : amount
}

/** Yuan of an amount in fen. */
export function yuan(amount: number): number {
  return amount / 100
}

/** A price after a discount, in fen, rounded half up. `factor` is 0 to 1 with at most four decimals. */
export function discounted(price: number, factor: number): number {
  const tenThousandths = Math.round(factor * 10_000)
  return Math.floor((price * tenThousandths + 5_000) / 10_000)
}
