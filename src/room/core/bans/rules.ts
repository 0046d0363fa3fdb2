/** So many no-shows within so many days make a proposed ban (page, No-shows). */
export const NO_SHOWS = 3
export const NO_SHOW_DAYS = 30

/** Days for which a proposed ban holds once it is confirmed, unless the administrator says otherwise. */
export const PROPOSED_BAN_DAYS = 30

/** What is to become of the proposal about somebody, after their no-shows have changed. Whoever is banned already needs none. */
export function proposalStep(standing: {
  readonly banned: boolean
  readonly proposed: boolean
  readonly noShows: number
}): 'propose' | 'withdraw' | 'leave' {
  const { banned, proposed, noShows } = standing
  if (proposed) return noShows < NO_SHOWS ? 'withdraw' : 'leave'
  return !banned && noShows >= NO_SHOWS ? 'propose' : 'leave'
}
