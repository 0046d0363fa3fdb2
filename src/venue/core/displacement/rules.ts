/**
 * Minutes for which a displaced reservation may be booked again, counted from its start (or from now, once it has
 * begun).
 */
export const REBOOK_MINUTES = 14 * 24 * 60
