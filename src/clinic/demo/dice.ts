/** A source of numbers that look random, and are the same at every run. */
export interface Dice {
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  /** True in `share` (0 to 1) of the calls. */
  chance(share: number): boolean
  /** A member of a list. @throws Error if the list is empty. */
  pick<One>(list: readonly One[]): One
}

/** Dice with a seed (the generator mulberry32). */
export function createDice(seed: number): Dice {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return {
    between,
    chance: (share) => next() < share,
    pick: (list) => at(list, between(0, list.length - 1)),
  }
}

/** The member of a list at an index, which wraps around. @throws Error if the list is empty. */
export function at<One>(list: readonly One[], index: number): One {
  const one = list[index % list.length]
  if (one === undefined) throw new Error('the demo looks into an empty list')
  return one
}
