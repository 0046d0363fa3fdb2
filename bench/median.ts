/** The median of some numbers. For an even number of them it is the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const high = sorted[Math.floor(sorted.length / 2)] ?? NaN
  const low = sorted[Math.ceil(sorted.length / 2) - 1] ?? NaN
  return (low + high) / 2
}
