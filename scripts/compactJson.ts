const width = 120

/** JSON with an indentation of two spaces, in which values that fit in a line of 120 characters stay on one line. */
export function compactJson(value: unknown, before = 0, indent = ''): string {
  const line = oneLine(value)
  if (before + indent.length + line.length <= width || typeof value !== 'object' || value === null) return line
  const inner = `${indent}  `
  const lines = Array.isArray(value)
    ? value.map((one) => inner + compactJson(one, 1, inner))
    : Object.entries(value).map(([key, member]) => {
        const name = `${JSON.stringify(key)}: `
        return inner + name + compactJson(member, name.length + 1, inner)
      })
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${oneLine(member)}`)
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}
