/** Minutes for which a displaced reservation may be rebooked, counted from its start, or from now if it has begun. */
export const REBOOK_MINUTES = 14 * 24 * 60
