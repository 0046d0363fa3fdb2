import type { NotificationType } from '../../../kernel/notifications/texts/types.ts'
import { en } from './en.ts'
import { zhCN } from './zhCN.ts'
import { zhTW } from './zhTW.ts'

/** A notification type with its texts in all languages. @throws Error if a language lacks them. */
export function inAllLanguages(type: Omit<NotificationType, 'subject' | 'body' | 'translations'>): NotificationType {
  const [own, traditional, english] = [zhCN[type.key], zhTW[type.key], en[type.key]]
  if (!own || !traditional || !english) throw new Error(`${type.key} lacks a language`)
  return { ...type, ...own, translations: { 'zh-TW': traditional, en: english } }
}
