/**
 * Writes docs/configuration.md from the table of variables. With --check it writes nothing and fails when the file is stale.
 *
 *   node scripts/generate-config-docs.ts [--check]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { GROUPS, type Variable, variables } from '../src/config/variables.ts'

const introduction = `<!-- Written by scripts/generate-config-docs.ts from src/config/variables.ts: change it there. -->
# Configuration

Everything is set by environment variables, read once at the start. Nothing needs to be set to run on one machine.
A variable that is set to nothing counts as unset. Wrong values stop the start with every problem listed at once;
names that look like a misspelt variable are warned about in the log.
`

const target = new URL('../docs/configuration.md', import.meta.url)
const text = configurationPage()

if (!process.argv.includes('--check')) {
  writeFileSync(target, text)
} else if (readIfThere(target) !== text) {
  process.stderr.write('docs/configuration.md is stale: run npm run generate\n')
  process.exitCode = 1
}

function configurationPage(): string {
  const all = Object.values<Variable<unknown>>(variables)
  const sections = GROUPS.map((group) => {
    const rows = all.filter((variable) => variable.group === group).map(row)
    return `## ${group}\n\n| Variable | Default | Allowed | |\n|---|---|---|---|\n${rows.join('\n')}\n`
  })
  return `${introduction}\n${sections.join('\n')}`
}

function row(variable: Variable<unknown>): string {
  const cells = [`\`${variable.name}\``, shownDefault(variable), variable.kind.allowed, variable.about]
  return `| ${cells.map(cellText).join(' | ')} |`
}

/** In code nothing but the line that ends a cell means something. */
function cellText(text: string): string {
  return text.replaceAll('|', '\\|').replace(/`[^`]*`|</g, (found) => (found === '<' ? '&lt;' : found))
}

function shownDefault(variable: Variable<unknown>): string {
  if (variable.initial === undefined) return variable.shown
  return variable.shown === '' ? 'none' : `\`${variable.shown}\``
}

function readIfThere(file: URL): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
