/** The middle of some numbers: the mean of the two in the middle of an even number of them. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const high = sorted[Math.floor(sorted.length / 2)] ?? NaN
  const low = sorted[Math.ceil(sorted.length / 2) - 1] ?? NaN
  return (low + high) / 2
}
