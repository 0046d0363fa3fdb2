/** The schema of pg-boss in our database. */
export const SCHEMA = 'pgboss'

/** The queue of jobs without tries left. */
export const DEAD_LETTERS = 'dead-letters'
