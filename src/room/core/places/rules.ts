/** The limits of a room's fields, also used by the routes. */
export const LIMITS = {
  floor: { lowest: -100, highest: 1000 },
  capacity: 100_000,
  name: 100,
  tags: 500,
  hours: 100,
} as const

/** The tags of a text, separated by commas, each once. Null if there are none. */
export function tagsText(text: string): string | null {
  const tags = text
    .split(/[,，]/)
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')
  return tags.length === 0 ? null : [...new Set(tags)].join(',')
}
