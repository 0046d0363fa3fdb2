import type { Config } from '../../config.ts'
import type { Clock } from '../clock.ts'
import type { Database } from './database.ts'

/** The members of the kernel that suffice to read: rows, settings and the time. */
export interface Reader {
  readonly reads: Database
  readonly config: Config
  readonly clock: Clock
}
