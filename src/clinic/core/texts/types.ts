import type { Texts } from '../../../kernel/notifications/texts/types.ts'

/** The texts of the clinic's notification types in one language, by key. */
export type ClinicTexts = Readonly<Record<string, Texts>>
