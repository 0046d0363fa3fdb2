/** pg-boss's own schema in our database. */
export const SCHEMA = 'pgboss'

/** Where jobs end that failed as often as they may. */
export const DEAD_LETTERS = 'dead-letters'
