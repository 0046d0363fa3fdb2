/** Possible scores. */
export const SCORES = [1, 2, 3, 4, 5] as const
export type Score = (typeof SCORES)[number]

/** Number of ratings of a venue for each score. */
export type Distribution = Readonly<Record<Score, number>>

/** Distribution of counted scores; scores that were never given are 0. */
export function distributionOf(counted: readonly { readonly score: number; readonly count: number }[]): Distribution {
  const of = (score: Score) => counted.find((one) => one.score === score)?.count ?? 0
  return { 1: of(1), 2: of(2), 3: of(3), 4: of(4), 5: of(5) }
}

/** Average to two decimals; null without ratings. */
export function averageOf(distribution: Distribution): number | null {
  const count = countOf(distribution)
  if (count === 0) return null
  const sum = SCORES.reduce((total, score) => total + score * distribution[score], 0)
  return Math.round((sum * 100) / count) / 100
}

/** Number of ratings. */
export function countOf(distribution: Distribution): number {
  return SCORES.reduce((total, score) => total + distribution[score], 0)
}

/** Masks a name: only its first character is shown. */
export function maskName(name: string): string {
  const [first = ''] = name.trim()
  return `${first}**`
}
