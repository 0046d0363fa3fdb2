import type { Ground } from '../ground.ts'

/** The members of the kernel that suffice to read: rows, the keys of encrypted fields, settings and the time. */
export type Reader = Pick<Ground, 'clock' | 'config' | 'reads' | 'secrets'>
