import { pinyin } from 'pinyin-pro'

/**
 * The pinyin initials of a name, for searching: 张三 → zs. Letters and digits stay, other signs are dropped.
 */
export function initialsOf(name: string): string {
  const letters = pinyin(name, { pattern: 'first', toneType: 'none', type: 'array', nonZh: 'consecutive' })
  return letters
    .join('')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 100)
}
