/** This number of no-shows within this number of days makes a proposed ban (page, No-shows). */
export const NO_SHOWS = 3
export const NO_SHOW_DAYS = 30

/** Days that a confirmed proposal holds, unless the administrator gives another end. */
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
