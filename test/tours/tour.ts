/** One or more commands of a tour, with the output that the page shows. */
export interface Step {
  readonly script: string
  /** The text after `# →` or in the json block that follows. Undefined: the output is not checked. */
  readonly expected: string | undefined
  /** Line of the page, for messages. */
  readonly line: number
}

export interface Tour {
  readonly steps: readonly Step[]
  /** The variables before `npm start` on the page; the server of the tour is started with them. */
  readonly settings: Readonly<Record<string, string>>
}

interface Block {
  readonly language: string
  readonly lines: readonly string[]
  readonly line: number
}

/** The fenced blocks of a page, in order. */
function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { language: string; lines: string[]; line: number } | undefined
  for (const [index, line] of page.split('\n').entries()) {
    const fence = /^\s*```(\w*)/.exec(line)
    if (!fence) open?.lines.push(line)
    else if (open) {
      blocks.push(open)
      open = undefined
    } else open = { language: fence[1] ?? '', lines: [], line: index + 2 }
  }
  if (open) throw new Error(`the block of line ${open.line} is never closed`)
  return blocks
}

/**
 * Reads a tour from a page. `sh` blocks are its commands, which run in order in one bash. A line `# → text` shows the
 * output of the commands since the last such line; consecutive lines are one text. A `json` block shows the output of
 * the last command of the `sh` block before it. Other blocks are ignored, except for the line that ends in `npm start`.
 */
export function readTour(page: string): Tour {
  const steps: Step[] = []
  const settings: Record<string, string> = {}
  let before = ''
  for (const block of blocksOf(page)) {
    if (block.language === 'sh') steps.push(...stepsOf(block))
    else if (block.language === 'json') {
      const last = steps.at(-1)
      if (before !== 'sh' || !last || last.expected !== undefined) {
        throw new Error(`line ${block.line}: an answer without a command`)
      }
      steps[steps.length - 1] = { ...last, expected: block.lines.join('\n') }
    } else {
      const start = block.lines.find((line) => /\bnpm start$/.test(line)) ?? ''
      for (const [, name, value] of start.matchAll(/(\w+)=(\S+)/g)) if (name && value) settings[name] = value
    }
    before = block.language
  }
  if (steps.length === 0) throw new Error('a tour without commands')
  return { steps, settings }
}

function stepsOf({ lines, line }: Block): readonly Step[] {
  const steps: Step[] = []
  let script: string[] = []
  let arrows: string[] = []
  let from = line
  const end = (next: number) => {
    if (script.length > 0) {
      steps.push({
        script: script.join('\n'),
        expected: arrows.length > 0 ? arrows.join('\n') : undefined,
        line: from,
      })
    }
    script = []
    arrows = []
    from = next
  }
  for (const [index, text] of lines.entries()) {
    const arrow = /^\s*# → ?(.*)$/.exec(text)
    if (arrow) arrows.push(arrow[1] ?? '')
    else {
      if (arrows.length > 0) end(line + index)
      script.push(text)
    }
  }
  end(0)
  return steps
}

/**
 * Compares an output with the page; returns the first difference, or null. JSON is compared as JSON: an object must
 * have the members shown and may have more; a list must have the entries shown, and may have more if the last one shown
 * is `"…"`. In texts `…` stands for any text.
 */
export function difference(expected: string, output: string): string | null {
  if (!/^\s*[[{]/.test(expected)) return differenceOfTexts(expected.trim(), output.trim(), 'the output')
  let actual: unknown
  try {
    actual = JSON.parse(output)
  } catch {
    return `the output is not JSON: ${output}`
  }
  return differenceOf(JSON.parse(expected), actual, '')
}

function differenceOf(expected: unknown, actual: unknown, path: string): string | null {
  if (expected === '…') return actual === undefined ? `${path} is missing` : null
  if (typeof expected === 'string' && typeof actual === 'string') return differenceOfTexts(expected, actual, path)
  if (Array.isArray(expected)) return differenceOfLists(expected, actual, path)
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return `${path || 'it'} is ${JSON.stringify(actual)}`
    const members = new Map(Object.entries(actual))
    for (const [name, value] of Object.entries(expected)) {
      const found = differenceOf(value, members.get(name), `${path}/${name}`)
      if (found !== null) return found
    }
    return null
  }
  return Object.is(expected, actual)
    ? null
    : `${path || 'it'} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`
}

function differenceOfLists(expected: readonly unknown[], actual: unknown, path: string): string | null {
  if (!Array.isArray(actual)) return `${path || 'it'} is ${JSON.stringify(actual)}`
  const more = expected.at(-1) === '…'
  const shown = more ? expected.slice(0, -1) : expected
  if (actual.length < shown.length || (!more && actual.length > shown.length)) {
    return `${path || 'it'} has ${actual.length} entries: ${JSON.stringify(actual)}`
  }
  for (const [index, value] of shown.entries()) {
    const found = differenceOf(value, actual[index], `${path}/${index}`)
    if (found !== null) return found
  }
  return null
}

function differenceOfTexts(expected: string, actual: string, path: string): string | null {
  const pattern = expected.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${pattern.join('[^]*')}$`, 'u').test(actual)
    ? null
    : `${path} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`
}
