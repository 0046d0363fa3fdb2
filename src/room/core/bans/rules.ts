/** This number of no-shows within `NO_SHOW_DAYS` days leads to a proposed ban (page, No-shows). */
export const NO_SHOWS = 3
export const NO_SHOW_DAYS = 30

/** Duration of a confirmed proposal in days, unless the administrator sets another end. */
export const PROPOSED_BAN_DAYS = 30

/** The next step about a proposal after the no-shows of its person have changed. A banned person needs no proposal. */
export function proposalStep(standing: {
  readonly banned: boolean
  readonly proposed: boolean
  readonly noShows: number
}): 'propose' | 'withdraw' | 'leave' {
  const { banned, proposed, noShows } = standing
  if (proposed) return noShows < NO_SHOWS ? 'withdraw' : 'leave'
  return !banned && noShows >= NO_SHOWS ? 'propose' : 'leave'
}
