import type { Ground } from '../ground.ts'

/** The members of the kernel that reading needs: the database, the keys of encrypted fields, settings and the clock. */
export type Reader = Pick<Ground, 'clock' | 'config' | 'reads' | 'secrets'>
